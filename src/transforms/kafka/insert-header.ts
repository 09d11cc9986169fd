import {
  type ConfigCheck,
  type ConnectRecord,
  type Header,
  invalidValue,
  type Props,
  parseConfig,
  type Transformation,
} from "../../api/index.js";
import { parseValue } from "../../converters/connect-values.js";

const nonNull: ConfigCheck = (key, value) =>
  value === null ? invalidValue(key, value, "entry must be non null") : undefined;

const CONFIG = {
  header: { type: "string", importance: "high", check: nonNull, doc: "The name of the header." },
  "value.literal": {
    type: "string",
    importance: "high",
    check: nonNull,
    doc: "The value of the header in all records. Its type is guessed as SimpleHeaderConverter does.",
  },
} as const;

/** Adds a header with a fixed value. */
export class InsertHeader implements Transformation {
  readonly config = CONFIG;
  #header: Header = { key: "", schema: null, value: null };

  configure(props: Props): void {
    const { header: key, "value.literal": literal } = parseConfig(CONFIG, props);
    this.#header = { key, ...parseValue(literal) };
  }

  apply(record: ConnectRecord): ConnectRecord {
    return record.with({ headers: [...record.headers, this.#header] });
  }
}
