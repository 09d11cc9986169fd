/** How Connect's data is mapped to Avro and back: the settings of Confluent's AvroData, by their keys. */
export interface AvroDataSettings {
  /** enhanced.avro.schema.support: enums as Avro enums, and packages in the names of union branches. */
  readonly enhancedSupport: boolean;
  /** connect.meta.data: `connect.*` properties, which keep what Avro has no word for. */
  readonly metaData: boolean;
  /** scrub.invalid.names: names that Avro does not allow are changed. */
  readonly scrubNames: boolean;
  /** discard.type.doc.default: documentation and defaults of Avro's types do not become parameters. */
  readonly discardTypeDocDefault: boolean;
  /** allow.optional.map.keys: maps with optional string keys are Avro maps. */
  readonly optionalMapKeys: boolean;
  /** generalized.sum.type.support: enums and unions in the form that the converters of all formats share. */
  readonly generalizedSumTypes: boolean;
  /** ignore.default.for.nullables: a null stays null where the field has a default. */
  readonly ignoreDefaultForNullables: boolean;
  /** flatten.singleton.unions: a union of one type is that type. */
  readonly flattenSingletonUnions: boolean;
}

/** The defaults of Confluent's converter. */
export const AVRO_DATA_DEFAULTS: AvroDataSettings = {
  enhancedSupport: false,
  metaData: true,
  scrubNames: false,
  discardTypeDocDefault: false,
  optionalMapKeys: false,
  generalizedSumTypes: false,
  ignoreDefaultForNullables: false,
  flattenSingletonUnions: true,
};
