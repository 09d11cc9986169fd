import { AVRO_DATA_DEFAULTS, type AvroDataSettings, type ConfigDef, type ConfigValues } from "../../api/index.js";
import { converterType } from "../converter-type.js";
import { registryConverterKeys } from "../registry/registry-converter-keys.js";

/** The keys of AvroConverter. */
export const avroConverterKeys = {
  "converter.type": converterType,
  ...registryConverterKeys,
  "connect.meta.data": {
    type: "boolean",
    doc: "Whether Avro schemas have the properties `connect.…`, which keep names, versions and parameters of Connect's.",
    default: AVRO_DATA_DEFAULTS.metaData,
    importance: "low",
  },
  "enhanced.avro.schema.support": {
    type: "boolean",
    doc: "Whether enums are Avro's own, and branches of unions have their full names.",
    default: AVRO_DATA_DEFAULTS.enhancedSupport,
    importance: "medium",
  },
  "generalized.sum.type.support": {
    type: "boolean",
    doc: "Whether enums and unions have the form that the converters of all formats share.",
    default: AVRO_DATA_DEFAULTS.generalizedSumTypes,
    importance: "medium",
  },
  "scrub.invalid.names": {
    type: "boolean",
    doc: "Whether names that Avro does not allow are changed; otherwise they are refused.",
    default: AVRO_DATA_DEFAULTS.scrubNames,
    importance: "medium",
  },
  "discard.type.doc.default": {
    type: "boolean",
    doc: "Whether documentation and defaults of Avro's types are left out of Connect's schemas.",
    default: AVRO_DATA_DEFAULTS.discardTypeDocDefault,
    importance: "low",
  },
  "allow.optional.map.keys": {
    type: "boolean",
    doc: "Whether maps with optional text keys are Avro's maps.",
    default: AVRO_DATA_DEFAULTS.optionalMapKeys,
    importance: "low",
  },
  "flatten.singleton.unions": {
    type: "boolean",
    doc: "Whether a union of one type is read as that type.",
    default: AVRO_DATA_DEFAULTS.flattenSingletonUnions,
    importance: "low",
  },
  "ignore.default.for.nullables": {
    type: "boolean",
    doc: "Whether a null is written as null where the field has a default; otherwise the default is written.",
    default: AVRO_DATA_DEFAULTS.ignoreDefaultForNullables,
    importance: "medium",
  },
} as const satisfies ConfigDef;

export function avroDataSettings(values: ConfigValues<typeof avroConverterKeys>): AvroDataSettings {
  return {
    metaData: values["connect.meta.data"],
    enhancedSupport: values["enhanced.avro.schema.support"],
    generalizedSumTypes: values["generalized.sum.type.support"],
    scrubNames: values["scrub.invalid.names"],
    discardTypeDocDefault: values["discard.type.doc.default"],
    optionalMapKeys: values["allow.optional.map.keys"],
    flattenSingletonUnions: values["flatten.singleton.unions"],
    ignoreDefaultForNullables: values["ignore.default.for.nullables"],
  };
}
