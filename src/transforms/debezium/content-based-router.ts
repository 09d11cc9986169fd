import { type ConnectRecord, DataError, type Props, parseConfig, type Transformation } from "../../api/index.js";
import { type Expression, parseExpression } from "../expression/expression.js";
import { EXPRESSION, type Handling, handlingOf, NULLS, TOPICS } from "./expression-config.js";

const CONFIG = {
  ...TOPICS,
  "topic.expression": {
    ...EXPRESSION,
    displayName: "Topic name expression",
    doc: "The expression for a record's topic. Null keeps the topic.",
  },
  ...NULLS,
} as const;

/** Sends records to the topics that an expression names, `io.debezium.transforms.ContentBasedRouter`. */
export class ContentBasedRouter implements Transformation {
  readonly config = CONFIG;
  #handling: (record: ConnectRecord) => Handling = () => "keep";
  #topic: Expression = () => null;

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#handling = handlingOf(values["topic.regex"], values["null.handling.mode"]);
    this.#topic = parseExpression("topic.expression", values["topic.expression"]);
  }

  apply(record: ConnectRecord): ConnectRecord | null {
    const handling = this.#handling(record);
    if (handling !== "evaluate") return handling === "keep" ? record : null;
    const topic = this.#topic(record);
    if (topic === null) return record;
    if (typeof topic !== "string")
      throw new DataError(
        "VALUE_INVALID",
        "The expression in topic.expression is neither a text nor null for a record",
      );
    return record.with({ topic });
  }
}
