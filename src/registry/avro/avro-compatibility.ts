import { type AvroSchema, type EnumSchema, fullNameOf, isNamed, type RecordSchema } from "./avro-schema.js";

/** Why a reader's schema cannot read what was written with another, as Avro Java's SchemaCompatibility names it. */
export interface AvroFault {
  readonly type:
    | "NAME_MISMATCH"
    | "FIXED_SIZE_MISMATCH"
    | "MISSING_ENUM_SYMBOLS"
    | "READER_FIELD_MISSING_DEFAULT_VALUE"
    | "TYPE_MISMATCH"
    | "MISSING_UNION_BRANCH";
  readonly path: string;
  readonly info: string;
}

type Path = readonly string[];

/** Of one pair. A type that is used in many places would have each of its faults at all of them. */
const MOST_FAULTS = 1000;

/** All reasons why `reader` cannot read data of `writer`, in the order of the reader's fields. Empty: it can. */
export function avroFaults(reader: AvroSchema, writer: AvroSchema): readonly AvroFault[] {
  return new Comparison().faults(reader, writer, []);
}

/** A fault as a line of a compatibility check; each `%s` stands for one of both schemas. */
export function avroFaultLine({ type, path, info }: AvroFault): string {
  return `{errorType:'${type}', description:'${DESCRIPTIONS[type](path, info)}', additionalInfo:'${info}'}`;
}

const DESCRIPTIONS: Readonly<Record<AvroFault["type"], (path: string, info: string) => string>> = {
  NAME_MISMATCH: (path) => `The name of the schema has changed (path '${path}')`,
  FIXED_SIZE_MISMATCH: (path) =>
    `The size of FIXED type field at path '${path}' in the %s schema does not match with the %s schema`,
  MISSING_ENUM_SYMBOLS: (path, info) =>
    `The %s schema is missing enum symbols '${info}' at path '${path}' in the %s schema`,
  READER_FIELD_MISSING_DEFAULT_VALUE: (path, info) =>
    `The field '${info}' at path '${path}' in the %s schema has no default value and is missing in the %s schema`,
  TYPE_MISMATCH: (path) => `The type (path '${path}') of a field in the %s schema does not match with the %s schema`,
  MISSING_UNION_BRANCH: (path) =>
    `The %s schema is missing a type inside a union field at path '${path}' in the %s schema`,
};

const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  long: ["int"],
  float: ["int", "long"],
  double: ["int", "long", "float"],
  bytes: ["string"],
  string: ["bytes"],
};

class Comparison {
  /** The results of pairs; a pair in progress has none, which makes recursion end. */
  readonly #known = new Map<AvroSchema, Map<AvroSchema, readonly AvroFault[]>>();

  faults(reader: AvroSchema, writer: AvroSchema, path: Path): readonly AvroFault[] {
    const ofReader = this.#known.get(reader) ?? new Map<AvroSchema, readonly AvroFault[]>();
    this.#known.set(reader, ofReader);
    const known = ofReader.get(writer);
    if (known) return known;
    ofReader.set(writer, []);
    const found = this.#compare(reader, writer, path).slice(0, MOST_FAULTS);
    ofReader.set(writer, found);
    return found;
  }

  #compare(reader: AvroSchema, writer: AvroSchema, path: Path): AvroFault[] {
    if (reader.type === "union" && writer.type === "union") {
      return writer.branches.flatMap((branch, at) =>
        this.faults(reader, branch, []).length === 0 ? [] : [missingBranch(branch, [...path, String(at)])],
      );
    }
    if (writer.type === "union") {
      return writer.branches.flatMap((branch, at) => this.faults(reader, branch, [...path, String(at)]));
    }
    if (reader.type === "union") {
      if (reader.branches.some((branch) => this.faults(branch, writer, []).length === 0)) return [];
      return [missingBranch(writer, path)];
    }
    if (reader.type === "array" && writer.type === "array") {
      return [...this.faults(reader.items, writer.items, [...path, "items"])];
    }
    if (reader.type === "map" && writer.type === "map") {
      return [...this.faults(reader.values, writer.values, [...path, "values"])];
    }
    if (reader.type === "fixed" && writer.type === "fixed") {
      const sizes = `expected: ${writer.size}, found: ${reader.size}`;
      return [
        ...nameFaults(reader, writer, path),
        ...(reader.size === writer.size ? [] : [fault("FIXED_SIZE_MISMATCH", [...path, "size"], sizes)]),
      ];
    }
    if (reader.type === "enum" && writer.type === "enum") {
      return [...nameFaults(reader, writer, path), ...symbolFaults(reader, writer, path)];
    }
    if (reader.type === "record" && writer.type === "record") {
      return [...nameFaults(reader, writer, path), ...this.#fieldFaults(reader, writer, path)];
    }
    if (reader.type === writer.type || PROMOTIONS[reader.type]?.includes(writer.type)) return [];
    const types = `reader type: ${reader.type.toUpperCase()} not compatible with writer type: ${writer.type.toUpperCase()}`;
    return [fault("TYPE_MISMATCH", path, types)];
  }

  #fieldFaults(reader: RecordSchema, writer: RecordSchema, path: Path): AvroFault[] {
    return reader.fields.flatMap((field, at) => {
      const place = [...path, "fields", String(at)];
      const [written, second] = [field.name, ...field.aliases].flatMap((name) =>
        writer.fields.filter((each) => each.name === name),
      );
      // Avro Java throws here. A reader that cannot choose cannot read.
      if (second) return [fault("READER_FIELD_MISSING_DEFAULT_VALUE", place, field.name)];
      if (written) return this.faults(field.schema, written.schema, [...place, "type"]);
      if (field.default !== undefined) return [];
      // As in Avro Java, an enum with a default of its own is compared with the whole record.
      if (field.schema.type === "enum" && field.schema.default !== undefined) {
        return this.faults(field.schema, writer, [...place, "type"]);
      }
      return [fault("READER_FIELD_MISSING_DEFAULT_VALUE", place, field.name)];
    });
  }
}

function nameFaults(reader: AvroSchema, writer: AvroSchema, path: Path): AvroFault[] {
  if (!isNamed(reader) || !isNamed(writer)) return [];
  if (reader.name === writer.name || reader.aliases.includes(fullNameOf(writer))) return [];
  return [fault("NAME_MISMATCH", [...path, "name"], `expected: ${fullNameOf(writer)}`)];
}

function symbolFaults(reader: EnumSchema, writer: EnumSchema, path: Path): AvroFault[] {
  if (reader.default !== undefined) return [];
  const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol)).sort();
  return missing.length === 0 ? [] : [fault("MISSING_ENUM_SYMBOLS", [...path, "symbols"], `[${missing.join(", ")}]`)];
}

function missingBranch(writer: AvroSchema, path: Path): AvroFault {
  return fault("MISSING_UNION_BRANCH", path, `reader union lacking writer type: ${writer.type.toUpperCase()}`);
}

function fault(type: AvroFault["type"], path: Path, info: string): AvroFault {
  return { type, path: `/${path.join("/")}`, info };
}
