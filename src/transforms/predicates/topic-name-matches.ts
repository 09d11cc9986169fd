import {
  allOf,
  type ConnectRecord,
  javaPattern,
  nonEmpty,
  type Predicate,
  type Props,
  parseConfig,
} from "../../api/index.js";
import { isPattern } from "../record/pattern-check.js";

const CONFIG = {
  pattern: {
    type: "string",
    importance: "medium",
    check: allOf(nonEmpty, isPattern),
    doc: "A Java regular expression for the whole name of a record's topic.",
  },
} as const;

/** True for records whose topic matches a pattern (KIP-585). */
export class TopicNameMatches implements Predicate {
  readonly config = CONFIG;
  #pattern = /^/;

  configure(props: Props): void {
    this.#pattern = javaPattern("pattern", parseConfig(CONFIG, props).pattern);
  }

  test({ topic }: ConnectRecord): boolean {
    return this.#pattern.test(topic);
  }
}
