import { ArrayStruct, type ConnectValue, DataError, type Schema, Struct, structOf } from "../../api/index.js";
import { Projection } from "./projection.js";
import { schemaBasics } from "./schema-basics.js";

/** A new field: its path, and its schema. */
export interface Addition {
  readonly path: readonly string[];
  readonly schema: Schema | null;
}

/** How structs of one schema get new fields, also within structs that they hold. Worked out once per schema. */
export interface NestedAdditions {
  readonly schema: Schema;
  /**
   * @param values one per addition.
   * @param placed gets the index of each value that has found its place: none is made within a struct that is null.
   */
  of(source: Struct, values: readonly ConnectValue[], placed: Set<number>): Struct;
}

/** The schema of a struct that is made for new fields. */
const NO_FIELDS = structOf([], { optional: true });
const EMPTY = new ArrayStruct(NO_FIELDS, []);

/** What one field of the result holds: a value, or a struct with values in it. */
interface Member {
  /** Its position in the source, or undefined for a new field. */
  readonly from: number | undefined;
  /** The index of its value, or how its struct is changed or made. */
  readonly content: number | NestedAdditions;
}

/** @throws DataError for a path through a field that is no struct, and for a value without a schema. */
export function nestedAdditions(source: Schema, additions: readonly Addition[]): NestedAdditions {
  return additionsAt(
    source,
    additions.map((addition, index) => ({ ...addition, index })),
    false,
  );
}

type Indexed = Addition & { readonly index: number };

/** @param isInner whether the struct is held by another: then it stays as optional as it is. */
function additionsAt(source: Schema, additions: readonly Indexed[], isInner: boolean): NestedAdditions {
  const members = new Map<string, Member & { readonly schema: Schema }>();
  const leaves = additions.filter(({ path }) => path.length === 1);
  for (const { path, schema, index } of leaves) {
    const [name = ""] = path;
    const known = source.field(name);
    if (!schema) throw unusable(name, "its value has no schema");
    if (known && known.schema.type !== schema.type)
      throw unusable(name, `there is one already, of type ${known.schema.type}, not ${schema.type}`);
    members.set(name, { from: known?.index, content: index, schema: known?.schema ?? schema });
  }
  for (const { path } of additions.filter(({ path }) => path.length > 1)) {
    const [name = ""] = path;
    if (members.has(name)) continue;
    const inner = additions
      .filter(({ path: other }) => other.length > 1 && other[0] === name)
      .map((addition) => ({ ...addition, path: addition.path.slice(1) }));
    const known = source.field(name);
    if (known && known.schema.type !== "struct") throw unusable(name, `it is a ${known.schema.type}, not a struct`);
    const content = additionsAt(known?.schema ?? NO_FIELDS, inner, true);
    members.set(name, { from: known?.index, content, schema: content.schema });
  }
  const kept = source.fields.map(({ name, schema, index }) => {
    const member = members.get(name);
    return member ? { name, schema: member.schema, from: undefined } : { name, schema, from: index };
  });
  const added = [...members]
    .filter(([, { from }]) => from === undefined)
    .map(([name, { schema }]) => ({ name, schema, from: undefined }));
  const attributes = { ...schemaBasics(source), ...(isInner && { optional: source.optional }) };
  const projection = Projection.ofFields([...kept, ...added], attributes, source, true);
  // In the order of the result's new values.
  const fresh = [...kept, ...added].flatMap(({ name, from }) => (from === undefined ? [members.get(name)!] : []));
  return {
    schema: projection.schema,
    of: (struct, values, placed) =>
      projection.of(
        struct,
        fresh.map((member) => contentOf(member, struct, values, placed)),
      ),
  };
}

function contentOf(
  { from, content }: Member,
  source: Struct,
  values: readonly ConnectValue[],
  placed: Set<number>,
): ConnectValue {
  if (typeof content === "number") {
    placed.add(content);
    return values[content]!;
  }
  if (from === undefined) return content.of(EMPTY, values, placed);
  const inner = source.at(from);
  return inner instanceof Struct ? content.of(inner, values, placed) : null;
}

function unusable(name: string, why: string): DataError {
  return new DataError("VALUE_INVALID", `The field ${name} cannot be added: ${why}`);
}
