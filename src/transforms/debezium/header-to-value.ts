import {
  type ConfigCheck,
  ConfigError,
  type ConnectRecord,
  type Header,
  invalidValue,
  type Props,
  parseConfig,
  type Schema,
  type Transformation,
} from "../../api/index.js";
import { type NestedAdditions, nestedAdditions } from "../record/nested-additions.js";
import { PerSchema } from "../record/per-schema.js";
import { requireStruct } from "../record/value-shape.js";
import { oneIn, required } from "./config-rules.js";

const isList: ConfigCheck = (key, value) => {
  const missing = required(key, value);
  if (missing !== undefined || !Array.isArray(value)) return missing;
  if (value.some((item) => /\s/.test(item))) return invalidValue(key, value, "Space character(s) not allowed");
  return value.includes("") ? invalidValue(key, value, "Empty string element(s) not allowed") : undefined;
};

const CONFIG = {
  headers: {
    type: "list",
    importance: "high",
    order: 1,
    displayName: "Header names list",
    check: isList,
    doc: "The headers whose values become fields.",
  },
  fields: {
    type: "list",
    importance: "high",
    order: 1,
    displayName: "Field names list",
    check: isList,
    doc: "The fields, one for each header. `after.source` is a field within `after`.",
  },
  operation: {
    type: "string",
    importance: "high",
    order: 1,
    displayName: "Operation: mover or copy",
    check: (key, value) => required(key, value) ?? oneIn("move", "copy")(key, value),
    doc: "`move` removes the headers, `copy` keeps them.",
  },
} as const satisfies Transformation["config"];

/** Headers may have ever new schemas. */
const MOST_PLANS = 64;

interface Plan {
  /** The headers' names and schemas, in the record's order. */
  readonly headers: readonly (readonly [key: string, schema: Schema | null])[];
  readonly additions: NestedAdditions;
}

/** Puts values of headers into the value, `io.debezium.transforms.HeaderToValue`. */
export class HeaderToValue implements Transformation {
  readonly config = CONFIG;
  /** The paths of fields, by header. */
  #paths: ReadonlyMap<string, readonly string[]> = new Map();
  #removes = false;
  readonly #plans = new PerSchema((): Plan[] => []);

  configure(props: Props): void {
    const { headers, fields, operation } = parseConfig(CONFIG, props);
    if (headers.length !== fields.length)
      throw new ConfigError("fields", "'fields' config must have the same number of elements as 'headers' config.");
    // Of a header that is named twice, the first field counts.
    const paths = headers.map((header, at) => [header, fields[at]!.split(".")] as const);
    this.#paths = new Map(paths.reverse());
    this.#removes = operation.trim().toLowerCase() === "move";
  }

  apply(record: ConnectRecord): ConnectRecord {
    if (record.value === null) return record;
    const source = requireStruct(record.valueSchema, record.value, "Header field insertion");
    const found = record.headers.filter(({ key }) => this.#paths.has(key));
    if (found.length === 0) return record;
    const additions = this.#additionsOf(source.schema, found);
    const placed = new Set<number>();
    const values = found.map(({ value }) => value);
    const value = additions.of(source, values, placed);
    // A value within a row that is null has no place: its header stays.
    const moved = new Set(this.#removes ? found.filter((_, at) => placed.has(at)) : []);
    return record.with({
      valueSchema: additions.schema,
      value,
      headers: record.headers.filter((header) => !moved.has(header)),
    });
  }

  #additionsOf(source: Schema, found: readonly Header[]): NestedAdditions {
    const plans = this.#plans.of(source);
    const known = plans.find(
      ({ headers }) =>
        headers.length === found.length &&
        headers.every(([key, schema], at) => key === found[at]!.key && schema === found[at]!.schema),
    );
    if (known) return known.additions;
    const additions = nestedAdditions(
      source,
      found.map(({ key, schema }) => ({ path: this.#paths.get(key)!, schema })),
    );
    if (plans.length >= MOST_PLANS) plans.length = 0;
    plans.push({ headers: found.map(({ key, schema }) => [key, schema] as const), additions });
    return additions;
  }
}
