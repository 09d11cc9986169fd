import { expect, test } from "vitest";
import { beginStatement } from "../../../../../connectors/postgres/chunks/snapshot-isolation.js";

test("the isolation asked for holds where one connection reads a snapshot of its own", () => {
  const scene = { isImported: false, isShared: false, isStandby: false };
  const level = (mode: Parameters<typeof beginStatement>[0], more: Partial<typeof scene> = {}) =>
    beginStatement(mode, { ...scene, ...more }).replace(/^BEGIN TRANSACTION ISOLATION LEVEL /, "");
  expect(level("serializable")).toBe("SERIALIZABLE, READ ONLY, DEFERRABLE");
  expect(level("repeatable_read")).toBe("REPEATABLE READ, READ ONLY");
  expect(level("read_committed")).toBe("READ COMMITTED, READ ONLY");
  expect(level("read_uncommitted")).toBe("READ UNCOMMITTED, READ ONLY");
  expect(level("serializable", { isImported: true })).toBe("REPEATABLE READ, READ ONLY");
  expect(level("serializable", { isStandby: true })).toBe("REPEATABLE READ, READ ONLY");
  expect(level("serializable", { isShared: true })).toBe("SERIALIZABLE, READ ONLY, DEFERRABLE");
  expect(level("read_committed", { isShared: true })).toBe("REPEATABLE READ, READ ONLY");
});
