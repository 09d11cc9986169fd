import type { JsonRow } from "./topic-event.js";

/** A table of the shop (config/demo/schema.sql), and how its rows look in the change events of the demo's connector. */
export interface ShopTable {
  readonly name: string;
  readonly keyColumns: readonly string[];
  /** Selects all rows in the spelling of the events: an independent check, without the connector's code. */
  readonly select: string;
}

const micros = (expression: string) => `(extract(epoch from ${expression}) * 1000000)::bigint`;

export const SHOP_TABLES: readonly ShopTable[] = [
  {
    name: "customers",
    keyColumns: ["id"],
    select: `select id, email, name, birth_date - date '1970-01-01' as birth_date, is_business,
      credit_limit::text, tags, preferences::text,
      to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at, version
      from shop.customers`,
  },
  {
    name: "orders",
    keyColumns: ["id"],
    select: `select id, customer_id, reference, status, ${micros("ordered_at")} as ordered_at,
      ${micros("deliver_after")} as deliver_after, weight_kg, total::text, note, version from shop.orders`,
  },
  {
    name: "order_items",
    keyColumns: ["order_id", "line"],
    select: `select order_id, line, sku, quantity, unit_price::text, encode(picture, 'base64') as picture, version
      from shop.order_items`,
  },
];

/** The table's topic, by the connector's `topic.prefix`. */
export function topicOf(topicPrefix: string, table: ShopTable): string {
  return `${topicPrefix}.shop.${table.name}`;
}

/** The key of a row, as in the key of its events. */
export function keyOf(table: ShopTable, row: JsonRow): JsonRow {
  return Object.fromEntries(table.keyColumns.map((column) => [column, row[column]]));
}
