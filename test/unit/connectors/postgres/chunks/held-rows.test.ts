import { expect, test } from "vitest";
import { type HeldRow, HeldRows, type HoldsRow } from "../../../../../connectors/postgres/chunks/held-rows.js";
import type { TableSchema } from "../../../../../connectors/postgres/tables/table-schema.js";
import type { SourceRecord } from "../../../../../src/api/index.js";

interface Table extends HoldsRow<Table> {
  readonly name: string;
}

/** What is sent for `steps`: "a1" is a row of table a, "a." its end. */
function sent(...steps: string[]): string[] {
  const tables = new Map<string, Table>();
  const rows = new HeldRows<Table>(
    (held: HeldRow<Table>, isLast) =>
      `${held.row[0]} ${held.marker}${isLast ? " complete" : ""}` as unknown as SourceRecord,
  );
  const into: SourceRecord[] = [];
  for (const step of steps) {
    const name = step[0]!;
    const table = tables.get(name) ?? { name, held: undefined };
    tables.set(name, table);
    if (step.endsWith(".")) rows.end(table, into);
    else rows.take(table, {} as TableSchema, null, [step], into);
  }
  const last = rows.finish();
  return [...into, ...(last ? [last] : [])] as unknown as string[];
}

test("tables read one after the other have their first and last rows marked", () => {
  expect(sent("a1", "a2", "a3", "a.", "b.", "c1", "c.", "d1", "d2", "d.")).toEqual([
    "a1 first",
    "a2 true",
    "a3 last_in_data_collection",
    "c1 last_in_data_collection",
    "d1 first_in_data_collection",
    "d2 last complete",
  ]);
});

test("tables read at the same time are marked in the order in which their rows are sent", () => {
  expect(sent("a1", "b1", "a2", "b2", "a3", "a.", "b3", "b4", "b.", "c.")).toEqual([
    "a1 first",
    "b1 first_in_data_collection",
    "a2 true",
    "a3 last_in_data_collection",
    "b2 true",
    "b3 true",
    "b4 last complete",
  ]);
  expect(sent("a1", "b1", "a.", "b.")).toEqual(["a1 first", "b1 last complete"]);
});

test("the only row is the last, and without rows there is none", () => {
  expect(sent("a1", "a.")).toEqual(["a1 last complete"]);
  expect(sent("a.", "b.")).toEqual([]);
});
