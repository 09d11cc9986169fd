import { type ConnectRecord, nonEmpty, type Predicate, type Props, parseConfig } from "../../api/index.js";

const CONFIG = {
  name: { type: "string", importance: "medium", check: nonEmpty, doc: "The name of the header." },
} as const;

/** True for records with a header of this name (KIP-585). */
export class HasHeaderKey implements Predicate {
  readonly config = CONFIG;
  #name = "";

  configure(props: Props): void {
    this.#name = parseConfig(CONFIG, props).name;
  }

  test({ headers }: ConnectRecord): boolean {
    return headers.some(({ key }) => key === this.#name);
  }
}
