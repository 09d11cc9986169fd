import { type ConnectRecord, javaReplacer, type Props, parseConfig, type Transformation } from "../../api/index.js";
import { isPattern } from "../record/pattern-check.js";

const CONFIG = {
  regex: {
    type: "string",
    importance: "high",
    check: isPattern,
    doc: "A Java regular expression for whole topic names.",
  },
  replacement: {
    type: "string",
    importance: "high",
    doc: "The new name of topics that match: `$1` stands for the expression's first group.",
  },
} as const;

/** Renames the topics that match a pattern. */
export class RegexRouter implements Transformation {
  readonly config = CONFIG;
  #replace: (topic: string) => string | undefined = () => undefined;

  configure(props: Props): void {
    const { regex, replacement } = parseConfig(CONFIG, props);
    this.#replace = javaReplacer({ pattern: "regex", replacement: "replacement" }, regex, replacement);
  }

  apply(record: ConnectRecord): ConnectRecord {
    const topic = this.#replace(record.topic);
    return topic === undefined ? record : record.with({ topic });
  }
}
