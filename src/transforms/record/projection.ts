import { type ConnectValue, type Schema, type SchemaAttributes, Struct, structOf } from "../../api/index.js";
import { defaultOf } from "./null-default.js";

/** A field of a changed struct: the position in the source struct that it comes from, or undefined for a new value. */
export interface ProjectedField {
  readonly name: string;
  readonly schema: Schema;
  readonly from: number | undefined;
}

/** How a transformation makes one struct of another, worked out once per schema. */
export class Projection {
  /** For each field its position in the source, or -1 - its position among the new values. */
  readonly sources: readonly number[];
  /** For each field the default in place of a null of the source. */
  readonly defaults: readonly ConnectValue[];

  /** @param froms for each field of `schema` as in ProjectedField; new ones take their values in this order, too. */
  constructor(
    readonly schema: Schema,
    froms: readonly (number | undefined)[],
    source: Schema,
    replacesNull: boolean,
  ) {
    let added = 0;
    this.sources = froms.map((from) => from ?? -++added);
    this.defaults = froms.map((from) =>
      from === undefined ? null : defaultOf(source.fields[from]!.schema, replacesNull),
    );
  }

  /** @throws DataError if two fields have the same name. */
  static ofFields(
    fields: readonly ProjectedField[],
    attributes: SchemaAttributes,
    source: Schema,
    replacesNull: boolean,
  ): Projection {
    const schema = structOf(
      fields.map(({ name, schema: field }) => [name, field] as const),
      attributes,
    );
    const froms = fields.map(({ from }) => from);
    return new Projection(schema, froms, source, replacesNull);
  }

  /** The changed struct. @param added the values of the new fields; not copied. */
  of(source: Struct, added: readonly ConnectValue[] = NOTHING): Struct {
    return new ProjectedStruct(this, source, added);
  }
}

const NOTHING: readonly ConnectValue[] = [];

/** Reads through to the source, so that unread fields are not decoded, and none is copied. */
class ProjectedStruct extends Struct {
  constructor(
    private readonly projection: Projection,
    private readonly source: Struct,
    private readonly added: readonly ConnectValue[],
  ) {
    super();
  }

  get schema(): Schema {
    return this.projection.schema;
  }

  at(index: number): ConnectValue {
    const from = this.projection.sources[index];
    if (from === undefined) return null;
    if (from < 0) return this.added[-1 - from] ?? null;
    return this.source.at(from) ?? this.projection.defaults[index]!;
  }
}
