import {
  ArrayStruct,
  arrayOf,
  type ConnectValue,
  DataError,
  FLOAT64,
  INT16,
  mapOf,
  primitive,
  structOf,
} from "../../../src/api/index.js";
import type { ColumnCodec } from "./column-codec.js";
import type { Decode } from "./number-text.js";

/** The types of the extension pgvector, as arrays of numbers; undefined for other types. */
export function vectorTypeCodec(name: string): ColumnCodec | undefined {
  switch (name) {
    case "vector":
      return denseCodec("float64", "io.debezium.data.DoubleVector");
    case "halfvec":
      return denseCodec("float32", "io.debezium.data.FloatVector");
    case "sparsevec":
      return sparseCodec();
    default:
      return undefined;
  }
}

/** `[1,2.5]`. */
function denseCodec(item: "float32" | "float64", name: string): ColumnCodec {
  return {
    schema: ({ defaultValue: _, ...attributes }) => arrayOf(primitive(item), { name, version: 1, ...attributes }),
    decode: reading(/^\[(.*)\]$/, ([, items = ""]) => (items === "" ? [] : items.split(",").map(number))),
    fallback: [],
    placeholder: undefined,
  };
}

const SPARSE_FIELDS = [
  ["dimensions", INT16],
  ["vector", mapOf(INT16, FLOAT64)],
] as const;
const SPARSE = { name: "io.debezium.data.SparseDoubleVector", version: 1, doc: "Sparse double vector" };
const SPARSE_SHAPE = structOf(SPARSE_FIELDS, SPARSE);

/** `{1:1.5,3:2}/5`: positions with their numbers, and how many dimensions there are. */
function sparseCodec(): ColumnCodec {
  return {
    schema: ({ defaultValue: _, ...attributes }) => structOf(SPARSE_FIELDS, { ...SPARSE, ...attributes }),
    decode: reading(/^\{(.*)\}\/(\d+)$/, ([, items = "", dimensions]) => {
      const entries = (items === "" ? [] : items.split(",")).map((entry) => {
        const [position, value] = entry.split(":");
        return [short(position), number(value)] as const;
      });
      return new ArrayStruct(SPARSE_SHAPE, [short(dimensions), new Map<ConnectValue, ConnectValue>(entries)]);
    }),
    fallback: new ArrayStruct(SPARSE_SHAPE, [0, new Map()]),
    placeholder: undefined,
  };
}

function reading(form: RegExp, read: (parts: RegExpExecArray) => ConnectValue): Decode<ConnectValue> {
  return (bytes, start, end) => {
    const parts = form.exec(bytes.toString("latin1", start, end));
    if (!parts) throw new DataError("VALUE_INVALID", "it is no vector in pgvector's form");
    return read(parts);
  };
}

function number(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || text.trim() === "" || Number.isNaN(value))
    throw new DataError("VALUE_INVALID", "a number of the vector is none");
  return value;
}

function short(text: string | undefined): number {
  const value = number(text);
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 15) return value;
  throw new DataError("VALUE_INVALID", "it has more than 32767 dimensions, which INT16 cannot hold");
}
