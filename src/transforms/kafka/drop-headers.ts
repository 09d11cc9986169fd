import { type ConnectRecord, type Props, parseConfig, type Transformation } from "../../api/index.js";
import { distinct } from "../record/list-checks.js";

const CONFIG = {
  headers: { type: "list", importance: "high", check: distinct(false), doc: "The names of the headers to remove." },
} as const;

/** Removes all headers of these names. */
export class DropHeaders implements Transformation {
  readonly config = CONFIG;
  #names: ReadonlySet<string> = new Set();

  configure(props: Props): void {
    this.#names = new Set(parseConfig(CONFIG, props).headers);
  }

  apply(record: ConnectRecord): ConnectRecord {
    return record.with({ headers: record.headers.filter(({ key }) => !this.#names.has(key)) });
  }
}
