import {
  arrayOf,
  type ConnectRecord,
  type ConnectValue,
  DataError,
  type Header,
  OPTIONAL_STRING,
  type Props,
  parseConfig,
  type Schema,
  Struct,
  type Transformation,
} from "../../api/index.js";
import { isEqual } from "../record/equal-values.js";
import { changeEvent } from "./envelope.js";

const CONFIG = {
  "header.changed.name": {
    type: "string",
    default: null,
    importance: "low",
    width: "long",
    order: 1,
    displayName: "Header change name.",
    doc: "The header that gets the names of the columns whose values differ before and after the change. Without it, none does.",
  },
  "header.unchanged.name": {
    type: "string",
    default: null,
    importance: "low",
    width: "long",
    order: 1,
    displayName: "Header unchanged name.",
    doc: "The header that gets the names of the other columns. Without it, none does.",
  },
} as const;

/** Lists the changed columns of an event in a header, `io.debezium.transforms.ExtractChangedRecordState`. */
export class ExtractChangedRecordState implements Transformation {
  readonly config = CONFIG;
  /** The headers' names and schemas, for unchanged and for changed columns. */
  #headers: readonly { readonly key: string; readonly schema: Schema; readonly lists: "changed" | "unchanged" }[] = [];

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#headers = (["changed", "unchanged"] as const).flatMap((lists) => {
      const key = values[`header.${lists}.name`];
      if (key === null || key.trim() === "") return [];
      return [{ key, schema: arrayOf(OPTIONAL_STRING, { optional: true, name: key }), lists }];
    });
  }

  apply(record: ConnectRecord): ConnectRecord {
    const event = changeEvent(record);
    if (!event || this.#headers.length === 0) return record;
    const [after, before] = [rowOf(event, "after"), rowOf(event, "before")];
    const names = after && before ? compared(after, before) : { changed: [], unchanged: [] };
    const headers = this.#headers.map(({ key, schema, lists }): Header => ({ key, schema, value: names[lists] }));
    return record.with({ headers: [...record.headers, ...headers] });
  }
}

function rowOf(event: Struct, name: "before" | "after"): Struct | null {
  const row: ConnectValue = event.get(name);
  if (row === null || row instanceof Struct) return row;
  throw new DataError("VALUE_INVALID", `The event's field ${name} is no row, whose columns could be compared`);
}

function compared(after: Struct, before: Struct): { readonly changed: string[]; readonly unchanged: string[] } {
  const names = { changed: [] as string[], unchanged: [] as string[] };
  for (const { name, index, schema } of after.schema.fields) {
    const old = before.schema.field(name);
    const isSame = old !== undefined && isEqual(schema, after.at(index), before.at(old.index));
    (isSame ? names.unchanged : names.changed).push(name);
  }
  for (const { name } of before.schema.fields) if (!after.schema.field(name)) names.changed.push(name);
  return names;
}
