import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  NULL,
  PgoutputDecoder,
  type Tuple,
  UNCHANGED,
} from "../../../../../connectors/postgres/wal/pgoutput-decoder.js";
import { errorKind } from "../../../../../src/api/index.js";
import * as bytes from "../pgoutput-bytes.js";

const decode = (message: Buffer) => new PgoutputDecoder().decode(message, 0, message.length);

function texts(tuple: Tuple): (string | null | undefined)[] {
  return Array.from({ length: tuple.count }, (_, index) => {
    if (tuple.kinds[index] === NULL) return null;
    if (tuple.kinds[index] === UNCHANGED) return undefined;
    return tuple.bytes.toString("utf8", tuple.starts[index], tuple.ends[index]);
  });
}

describe("a message of each kind, recorded from PostgreSQL 18", () => {
  test("begin", () => {
    const message = Buffer.from("420000000001777ae80002fb3b7b3a4d88000002f0", "hex");
    expect(decode(message)).toEqual({
      kind: "begin",
      finalLsn: 0x1777ae8,
      commitTimeUs: 0x0002fb3b7b3a4d88 + 946_684_800_000_000,
      xid: 752,
    });
  });

  test("commit", () => {
    expect(decode(bytes.commit(100, 148, 1_700_000_000_000_000))).toEqual({ kind: "commit", endLsn: 148 });
  });

  test("relation", () => {
    const columns = [
      { name: "id", typeOid: 23, isIdentity: true },
      { name: "price", typeOid: 1700, typmod: 786_438 },
    ];
    expect(decode(bytes.relation(16_384, "public", "orders", "d", columns))).toEqual({
      kind: "relation",
      oid: 16_384,
      schema: "public",
      table: "orders",
      replicaIdentity: "default",
      columns: [
        { name: "id", typeOid: 23, typmod: -1, isIdentity: true },
        { name: "price", typeOid: 1700, typmod: 786_438, isIdentity: false },
      ],
    });
  });

  test("truncate, origin, logical message and type", () => {
    expect(decode(bytes.truncate(1, 2))).toEqual({ kind: "truncate", relationOids: [1, 2] });
    expect(decode(bytes.origin(77, "upstream"))).toEqual({ kind: "origin", lsn: 77, name: "upstream" });
    expect(decode(bytes.logicalMessage(true, 9, "audit", "x"))).toEqual({
      kind: "message",
      isTransactional: true,
      lsn: 9,
      prefix: "audit",
      content: Buffer.from("x"),
    });
    expect(decode(Buffer.from("59000040007075626c6963006d6f6f6400", "hex"))).toEqual({
      kind: "type",
      oid: 16384,
      schema: "public",
      name: "mood",
    });
  });
});

const columnText = fc.option(fc.option(fc.string({ unit: "binary", maxLength: 30 }), { nil: null }), {
  nil: undefined,
});
const row = fc.array(columnText, { maxLength: 20 });

test("the columns of a row are decoded as they were sent", () => {
  fc.assert(
    fc.property(row, row, fc.nat(), (before, after, oid) => {
      const decoder = new PgoutputDecoder();
      // At any offset in a larger chunk.
      const message = bytes.update(oid, after, { kind: "O", before });
      const chunk = Buffer.concat([Buffer.from("xyz"), message, Buffer.from("xyz")]);
      const decoded = decoder.decode(chunk, 3, 3 + message.length);
      if (decoded.kind !== "update") throw new Error(decoded.kind);
      expect(decoded.relationOid).toBe(oid);
      expect(texts(decoded.before!)).toEqual(before);
      expect(texts(decoded.after)).toEqual(after);
    }),
  );
});

test("malformed messages are refused with a DataError, and nothing is read beyond the end", () => {
  const valid = fc.oneof(
    row.map((after) => bytes.insert(1, after)),
    row.map((before) => bytes.remove(1, "K", before)),
    fc.constant(bytes.begin(1, 2, 3)),
    fc.constant(bytes.truncate(1, 2, 3)),
    fc.constant(bytes.logicalMessage(false, 9, "p", "content")),
    fc.constant(bytes.relation(1, "s", "t", "f", [{ name: "a", typeOid: 1 }])),
  );
  const damage = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }), cut: fc.nat({ max: 5 }) });
  fc.assert(
    fc.property(valid, damage, (message, { at, to, cut }) => {
      const damaged = Buffer.from(message);
      damaged[at % damaged.length] = to;
      const end = Math.max(0, damaged.length - cut);
      try {
        new PgoutputDecoder().decode(damaged, 0, end);
      } catch (error) {
        expect(errorKind(error)).toBe("data");
      }
    }),
    { numRuns: 2000 },
  );
});
