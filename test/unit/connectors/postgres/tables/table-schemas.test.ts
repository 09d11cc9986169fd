import { expect, test } from "vitest";
import { parseSettings } from "../../../../../connectors/postgres/config/settings.js";
import type { TableDefinition } from "../../../../../connectors/postgres/tables/table-definition.js";
import { TableFilter } from "../../../../../connectors/postgres/tables/table-filter.js";
import { TableSchemas } from "../../../../../connectors/postgres/tables/table-schemas.js";
import { silentLogger } from "../../../../../src/base/logger.js";

test("the last key is that of a table, not of an earlier one of its name", () => {
  const settings = parseSettings({
    "topic.prefix": "p",
    "database.hostname": "h",
    "database.user": "u",
    "database.dbname": "d",
  });
  const schemas = new TableSchemas(settings, new TableFilter(settings), silentLogger);
  const type = { name: "int4", kind: "b", typmod: -1, labels: [], element: null, isDomain: false };
  const columns = ["id", "code"].map((name) => ({ name, type, isNullable: false, defaultExpression: null }));
  const table: TableDefinition = { oid: 1, schema: "public", table: "t", columns, keyColumns: ["id"] };
  const first = schemas.get(table);
  expect(schemas.get({ ...table })).toBe(first);
  schemas.get({ ...table, keyColumns: ["code"] });
  expect(schemas.lastKey(1)).toEqual(["code"]);
  expect(schemas.lastKey(2)).toBeUndefined();
});
