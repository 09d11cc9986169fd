import { Float64, Struct } from "../struct.js";

/** The Java class of a value in Connect, for error messages, which must not show the value itself. */
export function connectClassName(value: unknown): string {
  switch (typeof value) {
    case "string":
      return "java.lang.String";
    case "boolean":
      return "java.lang.Boolean";
    case "bigint":
      return "java.lang.Long";
    case "number":
      return Number.isSafeInteger(value) ? "java.lang.Long" : "java.lang.Double";
  }
  if (value === null || value === undefined) return "null";
  if (Buffer.isBuffer(value)) return "[B";
  if (value instanceof Float64) return "java.lang.Double";
  if (value instanceof Struct) return "org.apache.kafka.connect.data.Struct";
  if (value instanceof Map) return "java.util.Map";
  if (Array.isArray(value)) return "java.util.List";
  return value.constructor?.name ?? typeof value;
}
