import { type ConnectValue, LOGICAL, type Schema } from "../../api/index.js";
import { connectClassName } from "../../api/values/connect-class-name.js";

const NUMBER_CLASSES: Readonly<Record<string, string>> = {
  int8: "java.lang.Byte",
  int16: "java.lang.Short",
  int32: "java.lang.Integer",
  int64: "java.lang.Long",
  float32: "java.lang.Float",
  float64: "java.lang.Double",
};

/** The class that a value has in Connect, for error messages; with a schema, numbers and dates have that of their type. */
export function javaClass(schema: Schema | null, value: ConnectValue): string {
  if (value !== null && schema) {
    switch (schema.name) {
      case LOGICAL.decimal:
        return "java.math.BigDecimal";
      case LOGICAL.date:
      case LOGICAL.time:
      case LOGICAL.timestamp:
        return "java.util.Date";
    }
    const number = NUMBER_CLASSES[schema.type];
    if (number !== undefined) return number;
  }
  return connectClassName(value);
}
