import { ArrayStruct, type ConnectValue, type Schema, Struct } from "../../../src/api/index.js";
import { MetSchemas } from "./met-schemas.js";

/** Each may become any after it. */
const NUMBERS: readonly string[] = ["int8", "int16", "int32", "int64", "float32", "float64"];
/** Parameters of converters that say nothing about the values. */
const DESCRIPTIVE =
  /^(connect\.record\.(doc|aliases|namespace)|io\.confluent\.connect\.avro\.(record|field|enum)\.doc(\..*)?)$/;
const ENUM = /^(io\.confluent\.connect\.avro|org\.apache\.kafka\.connect\.data)\.Enum(\.|$)/;

/** Why values of one schema cannot be projected to another, or null if they can. */
export function projectionFault(from: Schema, to: Schema, place = "the value", met = new MetSchemas()): string | null {
  if (from === to) return null;
  if (from.type !== to.type && !isPromotable(from, to)) return `${place} is ${from.type}, not ${to.type}`;
  if (from.name !== to.name) return `${place} is named ${from.name ?? "nothing"}, not ${to.name ?? "nothing"}`;
  if (!haveMatchingParameters(from, to)) return `${place} has other parameters`;
  if (from.optional && !to.optional && !to.hasDefault) return `${place} is optional, and required without a default`;
  if (from.keySchema && to.keySchema) {
    const fault = projectionFault(from.keySchema, to.keySchema, `a key of ${place}`, met);
    if (fault) return fault;
  }
  if (from.valueSchema && to.valueSchema) {
    const fault = projectionFault(from.valueSchema, to.valueSchema, `an item of ${place}`, met);
    if (fault) return fault;
  }
  if (met.haveMet(from, to)) return null;
  for (const target of to.fields) {
    const source = from.field(target.name);
    if (!source) {
      if (target.schema.optional || target.schema.hasDefault) continue;
      return `the required field ${target.name} is missing`;
    }
    const fault = projectionFault(source.schema, target.schema, `field ${target.name}`, met);
    if (fault) return fault;
  }
  return null;
}

/**
 * The value in the form of another schema, as Kafka Connect's SchemaProjector: fields that it lacks get their default or
 * null, fields that are not in it are left out, numbers are widened.
 *
 * @param to of which `projectionFault` is null.
 */
export function projected(from: Schema, value: ConnectValue, to: Schema): ConnectValue {
  if (from === to) return value;
  if (value === null) return to.optional ? null : (to.defaultValue as ConnectValue);
  if (value instanceof Struct) return projectedStruct(value, to);
  if (Array.isArray(value) && from.valueSchema && to.valueSchema) {
    const [items, wanted] = [from.valueSchema, to.valueSchema];
    return (value as readonly ConnectValue[]).map((item) => projected(items, item, wanted));
  }
  if (value instanceof Map && from.keySchema && from.valueSchema && to.keySchema && to.valueSchema) {
    const entries = [...(value as ReadonlyMap<ConnectValue, ConnectValue>)];
    const { keySchema, valueSchema } = to;
    return new Map(
      entries.map(([key, item]) => [
        projected(from.keySchema!, key, keySchema),
        projected(from.valueSchema!, item, valueSchema),
      ]),
    );
  }
  if (typeof value === "bigint" && (to.type === "float32" || to.type === "float64")) return Number(value);
  return value;
}

function projectedStruct(value: Struct, to: Schema): Struct {
  return new ArrayStruct(
    to,
    to.fields.map((target) => {
      const source = value.schema.field(target.name);
      if (source) return projected(source.schema, value.at(source.index), target.schema);
      return target.schema.optional ? null : (target.schema.defaultValue as ConnectValue);
    }),
  );
}

function isPromotable(from: Schema, to: Schema): boolean {
  const [narrow, wide] = [NUMBERS.indexOf(from.type), NUMBERS.indexOf(to.type)];
  return narrow >= 0 && narrow <= wide;
}

function haveMatchingParameters(from: Schema, to: Schema): boolean {
  const [source, target] = [meaningful(from), meaningful(to)];
  const isSubset = source.every(([name, text]) => to.parameters?.[name] === text);
  // Of an enum the record's symbols must be among the file's.
  const [rest, wanted] = [source, target].map((entries) => entries.filter(([name]) => !ENUM.test(name)).length);
  return isSubset && rest === wanted;
}

function meaningful({ parameters }: Schema): [string, string][] {
  return Object.entries(parameters ?? {}).filter(([name]) => !DESCRIPTIVE.test(name));
}
