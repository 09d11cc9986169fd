import {
  ArrayStruct,
  adjustedFieldName,
  adjustedSchemaName,
  type ConnectValue,
  DataError,
  type NameAdjustment,
  OPTIONAL_INT64,
  type Schema,
  type SchemaAttributes,
  type SchemaType,
  STRING,
  type Struct,
  structOf,
} from "../../../src/api/index.js";
import type { Settings } from "../config/settings.js";
import type { ColumnCodec } from "../types/column-codec.js";
import { defaultText } from "../types/column-default.js";
import { columnMapper } from "../types/column-mapper.js";
import { boundTo, codecFor } from "../types/column-types.js";
import type { ResolvedType } from "../types/type-info.js";
import { NULL, type Tuple, UNCHANGED, VALUE } from "../wal/pgoutput-decoder.js";
import type { ColumnWarnings } from "./column-warnings.js";
import { BLOCK_SCHEMA, SOURCE_SCHEMA } from "./source-block.js";
import type { ColumnDefinition, TableDefinition } from "./table-definition.js";
import type { TableFilter } from "./table-filter.js";
import { dataTopic, tableIdentifier } from "./topic-name.js";

/** A captured or key column: its position in the tuple and its codec. */
interface ReadColumn {
  readonly name: string;
  readonly tupleIndex: number;
  readonly codec: ColumnCodec;
  readonly schema: Schema;
  /** Replaces a value that was not sent, and a NULL in a NOT NULL column. */
  readonly absent: ConnectValue;
}

/**
 * One version of a captured table: its schemas, made once, and the parsers of its rows. A relation message with another
 * definition makes a new version with new Schema objects.
 */
export class TableSchema {
  readonly schemaName: string;
  readonly tableName: string;
  readonly topic: string;
  readonly keySchema: Schema | null;
  readonly rowSchema: Schema;
  readonly envelopeSchema: Schema;
  readonly #columns: readonly ReadColumn[];
  readonly #keyColumns: readonly ReadColumn[];
  /** Each key column's position in the row, or -1 if the row lacks it. */
  readonly #keyInRow: readonly number[];
  /** Columns that are never NULL, according to their definition. */
  readonly #required: readonly ReadColumn[];
  readonly #warnings: ColumnWarnings;
  readonly #failOnConversion: boolean;
  /** The value of the key's additional field, if it has one. */
  readonly #identifier: readonly string[];
  /** Of all columns that a tuple has. */
  readonly #names: readonly string[];

  constructor(definition: TableDefinition, settings: Settings, filter: TableFilter, warnings: ColumnWarnings) {
    const { schema, table } = definition;
    this.schemaName = schema;
    this.tableName = table;
    this.topic = dataTopic(settings.topics, schema, table);
    const named = (part: string) => adjustedSchemaName(settings.schemaNames, `${this.topic}.${part}`);
    const fields = (columns: readonly ReadColumn[]) => fieldsOf(columns, settings.fieldNames, `${schema}.${table}`);
    this.#warnings = warnings;
    this.#failOnConversion = settings.failOnConversion;
    this.#names = definition.columns.map(({ name }) => name);
    refuseSameNames(definition);
    const keys = filter.keyColumns(definition);
    const isUsed = (name: string) => keys.includes(name) || filter.keepsColumn(schema, table, name);
    const plain = definition.columns.map((column, index) =>
      isUsed(column.name) ? this.#compile(column, index, settings) : null,
    );
    this.#columns = plain.flatMap((column, index) =>
      column && filter.keepsColumn(schema, table, column.name)
        ? this.#mapped(column, definition.columns[index]!, filter)
        : [],
    );
    const byName = new Map(plain.flatMap((column) => (column ? [[column.name, column] as const] : [])));
    // The key identifies a row: its columns are never cut, masked or hashed.
    this.#keyColumns = keys
      .flatMap((name) => byName.get(name) ?? [])
      .filter((column) => !column.codec.isAlwaysOptional);
    this.#required = plain.filter((column): column is ReadColumn => column !== null && !column.schema.optional);
    this.#keyInRow = this.#keyColumns.map((column) => this.#columns.indexOf(column));

    const { keyField } = settings.topics;
    this.#identifier = keyField ? [tableIdentifier(settings.topics, schema, table)] : [];
    const keyFields = fields(this.#keyColumns);
    if (keyField) keyFields.push([keyField.name, STRING]);
    this.keySchema = keyFields.length === 0 ? null : structOf(keyFields, { name: named("Key") });
    this.rowSchema = structOf(fields(this.#columns), { name: named("Value"), optional: true });
    this.envelopeSchema = envelopeOf(this.rowSchema, named("Envelope"));
  }

  /**
   * The columns that a whole row has NULL in although they are NOT NULL by definition; undefined: none. Not for the old
   * row of a change that carries only its key.
   */
  unexpectedNulls(tuple: Tuple): string[] | undefined {
    let found: string[] | undefined;
    for (const { name, tupleIndex } of this.#required)
      if (tupleIndex < tuple.count && tuple.kinds[tupleIndex] === NULL) found = [...(found ?? []), name];
    return found;
  }

  /** The row's values by position. `old`, the row before the update, may hold values of unchanged large columns. */
  readRow(tuple: Tuple, old: Tuple | null = null): ConnectValue[] {
    const columns = this.#columns;
    const count = columns.length;
    const values = new Array<ConnectValue>(count);
    for (let i = 0; i < count; i++) values[i] = this.#read(columns[i]!, tuple, old);
    return values;
  }

  /** The key of `row`, which `readRow` returned for the same tuple. */
  readKey(tuple: Tuple, row: readonly ConnectValue[], old: Tuple | null = null): Struct | null {
    const { keySchema } = this;
    if (!keySchema) return null;
    const columns = this.#keyColumns;
    const values: ConnectValue[] = new Array(columns.length);
    for (let i = 0; i < columns.length; i++) {
      const at = this.#keyInRow[i]!;
      values[i] = at >= 0 ? row[at]! : this.#read(columns[i]!, tuple, old);
    }
    return new ArrayStruct(keySchema, [...values, ...this.#identifier]);
  }

  /** The server's texts of columns of a row, as one text; null if one is NULL, or was not sent. */
  readTexts(names: readonly string[], tuple: Tuple, old: Tuple | null = null): string | null {
    const texts: string[] = [];
    for (const name of names) {
      const at = this.#names.indexOf(name);
      const sent = [tuple, old].find((row) => row && at >= 0 && at < row.count && row.kinds[at] !== UNCHANGED);
      if (!sent || sent.kinds[at] !== VALUE) return null;
      texts.push(sent.bytes.toString("utf8", sent.starts[at], sent.ends[at]));
    }
    return JSON.stringify(texts);
  }

  #read(column: ReadColumn, tuple: Tuple, old: Tuple | null): ConnectValue {
    const index = column.tupleIndex;
    // A row may be shorter than the table.
    const kind = index < tuple.count ? tuple.kinds[index]! : NULL;
    if (kind === VALUE) {
      try {
        return column.codec.decode(tuple.bytes, tuple.starts[index]!, tuple.ends[index]!);
      } catch (error) {
        return this.#unreadable(column, error);
      }
    }
    if (kind !== UNCHANGED) return column.absent;
    // The old tuple has the same columns, and those of the replica identity are sent in full, even large ones.
    if (old && index < old.count && old.kinds[index] === VALUE) return this.#read(column, old, null);
    return column.codec.placeholder ?? this.#unreadable(column, undefined);
  }

  /** Handles a value that its column's schema cannot represent: null and a warning if allowed, otherwise an error. */
  #unreadable(column: ReadColumn, cause: unknown): ConnectValue {
    const why = cause instanceof DataError ? cause.message : "it is large, did not change, and was not sent";
    const message = `Column ${column.name} of ${this.schemaName}.${this.tableName} has a value that its schema cannot represent: ${why}`;
    if (cause !== undefined && !(cause instanceof DataError)) throw cause;
    if (this.#failOnConversion || !column.schema.optional) {
      throw new DataError(
        "VALUE_INVALID",
        `${message}. Exclude the column (column.exclude.list) or choose another handling mode for its type.`,
        { cause },
      );
    }
    this.#warnings.warn(
      `${message}. It is sent as null, and so are further such values of this column, without another warning`,
    );
    return null;
  }

  /** The column with its rule applied; itself, if it has none. */
  #mapped(column: ReadColumn, { name, type }: ColumnDefinition, filter: TableFilter): ReadColumn {
    if (!type) return column;
    const action = filter.columnAction(this.schemaName, this.tableName, name, type.declaredName ?? type.name);
    if (!action) return column;
    const { schema: schemaOf, map, mapsNull } = columnMapper(action, name, type);
    const schema = schemaOf(column.schema);
    const codec = boundTo(schema, column.codec);
    if (!map) return { ...column, schema, codec };
    return {
      ...column,
      schema,
      codec: {
        ...codec,
        decode: (bytes, start, end) => map(codec.decode(bytes, start, end)),
        // A hashed placeholder would look like a value.
        placeholder: mapsNull ? map(null) : codec.placeholder,
      },
      absent: column.absent === null && !mapsNull ? null : map(column.absent),
    };
  }

  #compile(column: ColumnDefinition, tupleIndex: number, settings: Settings): ReadColumn | null {
    const type = column.type ?? (settings.types.includeUnknown ? DROPPED : undefined);
    if (!type)
      throw new DataError(
        "SCHEMA_INVALID",
        `Column ${column.name} of ${this.schemaName}.${this.tableName} has rows of a type that was dropped since they were written, so that their values cannot be read. Set include.unknown.datatypes=true to send them as the bytes of their text, or exclude the column (column.exclude.list).`,
      );
    const codec = codecFor(type, settings.types);
    if (!codec) {
      this.#warnings.warn("No converter for the type of a column, which will not be part of change events", {
        column: `${this.schemaName}.${this.tableName}.${column.name}`,
        type: type.name,
      });
      return null;
    }
    const isOptional = column.isNullable || (codec.isAlwaysOptional ?? false);
    const attributes: { -readonly [K in keyof SchemaAttributes]: SchemaAttributes[K] } = {};
    if (isOptional) attributes.optional = true;
    const text = defaultText(column.defaultExpression, type);
    if (text !== undefined) {
      const value = readDefault(codec, text);
      if (value instanceof DataError)
        this.#warnings.warn(`A column's default is left out of its schema: ${value.message}`, {
          column: `${this.schemaName}.${this.tableName}.${column.name}`,
        });
      else attributes.defaultValue = value;
    }
    const schema = codec.schema(attributes);
    const bound = boundTo(schema, codec);
    const absent = isOptional ? null : schema.hasDefault ? (schema.defaultValue as ConnectValue) : bound.fallback;
    return { name: column.name, tupleIndex, codec: bound, schema, absent };
  }
}

/** Stands for a type that is in no catalog any more. */
const DROPPED: ResolvedType = {
  name: "dropped",
  kind: "opaque",
  typmod: -1,
  labels: [],
  element: null,
  isDomain: false,
};

/** A default's value, or the reason the schema cannot hold it: Postgres checks some defaults only on insert. */
function readDefault(codec: ColumnCodec, text: string): ConnectValue | DataError {
  const bytes = Buffer.from(text, "utf8");
  try {
    const value = codec.decode(bytes, 0, bytes.length);
    const { type } = codec.schema({});
    if ((typeof value === "number" || typeof value === "bigint") && !fits(type, value, text))
      return new DataError("VALUE_INVALID", `it is no ${type.toUpperCase()}`);
    return value;
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
}

const INTEGER_BITS: Partial<Record<SchemaType, number>> = { int16: 16, int32: 32, int64: 64 };

function fits(type: SchemaType, value: number | bigint, text: string): boolean {
  const bits = INTEGER_BITS[type];
  if (bits !== undefined) return BigInt.asIntN(bits, BigInt(value)) === BigInt(value);
  return !Number.isNaN(value) || text === "NaN";
}

/** @throws DataError if the adjustment makes one name of two columns' */
function fieldsOf(columns: readonly ReadColumn[], mode: NameAdjustment, table: string): [string, Schema][] {
  const bearers = new Map<string, string>();
  return columns.map(({ name, schema }) => {
    const field = adjustedFieldName(mode, name);
    const bearer = bearers.get(field);
    if (bearer !== undefined)
      throw new DataError(
        "SCHEMA_INVALID",
        `The columns ${bearer} and ${name} of ${table} are both named ${field} by field.name.adjustment.mode=${mode}. Use avro_unicode, which keeps names apart, or exclude one (column.exclude.list).`,
      );
    bearers.set(field, name);
    return [field, schema];
  });
}

/** Consumers that ignore case take such columns for one. */
function refuseSameNames({ schema, table, columns }: TableDefinition): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    const folded = name.toLowerCase();
    if (seen.has(folded)) {
      throw new DataError(
        "SCHEMA_INVALID",
        `Table '${schema}.${table}' has columns that differ only by case (${name}). Rename one, or exclude the table with table.exclude.list.`,
      );
    }
    seen.add(folded);
  }
}

function envelopeOf(row: Schema, name: string): Schema {
  return structOf(
    [
      ["before", row],
      ["after", row],
      ["source", SOURCE_SCHEMA],
      ["transaction", BLOCK_SCHEMA],
      ["op", STRING],
      ["ts_ms", OPTIONAL_INT64],
      ["ts_us", OPTIONAL_INT64],
      ["ts_ns", OPTIONAL_INT64],
    ],
    { name, version: 2 },
  );
}
