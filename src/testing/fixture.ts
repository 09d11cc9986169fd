import type { Props } from "../api/index.js";

interface Fixture {
  /** A working configuration, as a user would write it, without `name` and `connector.class`. */
  readonly props: Props;
  /** Values to be refused, by key. null: leaving the key out must be refused. */
  readonly refused: Readonly<Record<string, string | null>>;
  /** A stop that takes longer counts as hanging. Default: 1,000 ms, the limit that the worker expects. */
  readonly stopWithinMs?: number;
  /** Removes everything the check has created. */
  cleanUp?(): Promise<void>;
}

export interface SourceFixture extends Fixture {
  /** Adds `count` records to the source. They may appear after it resolves. */
  grow(count: number): Promise<void>;
}

export interface SinkFixture extends Fixture {
  /** The current content of the destination, in texts that contain every value: `record-0`, `record-1` and so on. */
  delivered(): Promise<readonly string[]>;
}
