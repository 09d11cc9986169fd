import { type ConnectRecord, DataError, type Props, parseConfig, type Transformation } from "../../api/index.js";
import { type Expression, parseExpression } from "../expression/expression.js";
import { EXPRESSION, type Handling, handlingOf, NULLS, TOPICS } from "./expression-config.js";

const CONFIG = {
  ...TOPICS,
  condition: {
    ...EXPRESSION,
    displayName: "Filtering condition",
    doc: "The expression that decides on a record: true keeps it, false leaves it out.",
  },
  ...NULLS,
} as const;

/** Leaves out the records for which an expression is false, `io.debezium.transforms.Filter`. */
export class Filter implements Transformation {
  readonly config = CONFIG;
  #handling: (record: ConnectRecord) => Handling = () => "keep";
  #condition: Expression = () => true;

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#handling = handlingOf(values["topic.regex"], values["null.handling.mode"]);
    this.#condition = parseExpression("condition", values.condition);
  }

  apply(record: ConnectRecord): ConnectRecord | null {
    const handling = this.#handling(record);
    if (handling !== "evaluate") return handling === "keep" ? record : null;
    const result = this.#condition(record);
    if (typeof result !== "boolean")
      throw new DataError("VALUE_INVALID", "The expression in condition is neither true nor false for a record");
    return result ? record : null;
  }
}
