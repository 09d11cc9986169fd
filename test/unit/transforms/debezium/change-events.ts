import {
  ArrayStruct,
  INT32,
  OPTIONAL_INT64,
  primitive,
  type Schema,
  STRING,
  type Struct,
  structOf,
} from "../../../../src/api/index.js";

const city = primitive("string", { optional: true, defaultValue: "Ulm" });
const rowSchema = structOf(
  [
    ["id", INT32],
    ["city", city],
  ],
  { name: "shop.orders.Value", optional: true },
);
const sourceSchema = structOf([
  ["table", STRING],
  ["ts_ms", OPTIONAL_INT64],
]);
const transactionSchema = structOf([["id", STRING]], { optional: true });

const eventSchema: Schema = structOf(
  [
    ["before", rowSchema],
    ["after", rowSchema],
    ["source", sourceSchema],
    ["op", STRING],
    ["ts_ms", OPTIONAL_INT64],
    ["transaction", transactionSchema],
  ],
  { name: "shop.orders.Envelope", version: 2 },
);

export const row = (id: number, town: string | null): Struct => new ArrayStruct(rowSchema, [id, town]);

/** An event outside a transaction. */
export function event(op: string, before: Struct | null, after: Struct | null): Struct {
  const source = new ArrayStruct(sourceSchema, ["orders", 5]);
  return new ArrayStruct(eventSchema, [before, after, source, op, 6, null]);
}
