import {
  type ConfigCheck,
  type ConnectRecord,
  invalidValue,
  type Props,
  parseConfig,
  type Schema,
  type Transformation,
} from "../../api/index.js";
import { hashMap } from "../record/hash-map.js";
import { distinct } from "../record/list-checks.js";
import { REPLACE_NULL } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import type { RecordPart } from "../record/record-part.js";
import { schemaBasics } from "../record/schema-basics.js";
import { requireMap, requireStruct } from "../record/value-shape.js";

const areRenames: ConfigCheck = (key, value) => {
  const mappings = (value ?? []) as readonly string[];
  const wrong = mappings.find((mapping) => !isMapping(mapping));
  return wrong === undefined
    ? undefined
    : invalidValue(key, `[${mappings.join(", ")}]`, `Invalid rename mapping: ${wrong}`);
};

const CONFIG = {
  exclude: {
    type: "list",
    default: [],
    importance: "medium",
    check: distinct(true),
    doc: "Fields to leave out, also if include names them.",
  },
  include: {
    type: "list",
    default: [],
    importance: "medium",
    check: distinct(true),
    doc: "The only fields to keep; empty: all.",
  },
  renames: {
    type: "list",
    default: [],
    importance: "medium",
    check: areRenames,
    doc: "New names for fields that are kept: `old:new,…`.",
  },
  ...REPLACE_NULL,
} as const;
const PURPOSE = "field replacement";

/** Removes and renames fields. */
export class ReplaceField implements Transformation {
  readonly config = CONFIG;
  #excluded: ReadonlySet<string> = new Set();
  #included: ReadonlySet<string> = new Set();
  #renames: ReadonlyMap<string, string> = new Map();
  #replacesNull = true;
  readonly #projections = new PerSchema((schema) => this.#projectionOf(schema));

  constructor(private readonly part: RecordPart) {}

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#excluded = new Set(values.exclude);
    this.#included = new Set(values.include);
    this.#renames = new Map(values.renames.map((mapping) => mapping.split(":") as [string, string]));
    this.#replacesNull = values["replace.null.with.default"];
  }

  apply(record: ConnectRecord): ConnectRecord {
    const value = this.part.value(record);
    if (value === null) return record;
    const schema = this.part.schema(record);
    if (schema) {
      const struct = requireStruct(schema, value, PURPOSE);
      const projection = this.#projections.of(struct.schema);
      return this.part.replaced(record, projection.schema, projection.of(struct));
    }
    const map = requireMap(value, PURPOSE);
    const kept = new Map(
      [...map].flatMap(([name, item]) => (this.#keeps(name as string) ? [[this.#renamed(name as string), item]] : [])),
    );
    return this.part.replaced(record, null, hashMap([...kept], map.size));
  }

  #projectionOf(schema: Schema): Projection {
    const kept = schema.fields.filter(({ name }) => this.#keeps(name));
    return Projection.ofFields(
      kept.map(({ name, schema: field, index }) => ({ name: this.#renamed(name), schema: field, from: index })),
      schemaBasics(schema),
      schema,
      this.#replacesNull,
    );
  }

  #keeps(name: string): boolean {
    return !this.#excluded.has(name) && (this.#included.size === 0 || this.#included.has(name));
  }

  #renamed(name: string): string {
    return this.#renames.get(name) ?? name;
  }
}

/** `old:new`. */
function isMapping(text: string): boolean {
  const parts = text.split(":");
  return parts.length === 2 && parts[1] !== "";
}
