import type { Props } from "../api/index.js";

interface Fixture {
  /** A configuration that works: what a user would write, without `name` and `connector.class`. */
  readonly props: Props;
  /** For each of some keys a value that must be refused, null for a key that must not be left out. */
  readonly refused: Readonly<Record<string, string | null>>;
  /** How long stopping may take until it counts as hanging. Default 1,000 ms, what a worker can rely on. */
  readonly stopWithinMs?: number;
  /** Removes what the check has left. */
  cleanUp?(): Promise<void>;
}

export interface SourceFixture extends Fixture {
  /** Makes `count` more records appear at the source, sooner or later. */
  grow(count: number): Promise<void>;
}

export interface SinkFixture extends Fixture {
  /** Texts that together hold every value at the destination now. Values are strings, `record-0` and so on. */
  delivered(): Promise<readonly string[]>;
}
