import { describe, expect, test } from "vitest";
import { offsetFault } from "../../../../../connectors/postgres/position/offset-fault.js";
import {
  snapshotOffset,
  startOffset,
  streamedOffset,
} from "../../../../../connectors/postgres/position/source-offset.js";
import type { Lsn } from "../../../../../connectors/postgres/wal/lsn.js";
import type { SourceMap } from "../../../../../src/api/index.js";

const LSN = 24_023_128 as Lsn;
const SERVER = { systemId: "7423456789012345678", timeline: 2 };
const HERE = { server: "shop" };

describe("an offset that a user wants stored", () => {
  test.each<SourceMap>([
    { lsn: 1 },
    startOffset(LSN, 1, null),
    snapshotOffset(SERVER, LSN, 7, 1, false),
    streamedOffset({ identity: SERVER, slotStart: LSN }, LSN, null, "INSERT", null, 1, 3),
    // From Debezium's tables, with incremental snapshots and longs written as they are read from a topic.
    {
      ...streamedOffset({ identity: SERVER, slotStart: LSN }, LSN, LSN, "COMMIT", 7, 1, 1),
      lsn_commit: 24023128n,
      incremental_snapshot_collections: "[]",
    },
    { lsn: 1, snapshot: true, last_snapshot_record: "true", txId: null },
  ])("%o is one to continue from", (offset) => {
    expect(offsetFault("shop", HERE, offset)).toBeUndefined();
  });

  const position =
    "must be a WAL position: an integer of bytes, such as SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') returns";
  test.each<[SourceMap, SourceMap, string]>([
    [
      { server: "other" },
      { lsn: 1 },
      `The partition of an offset must be {"server":"shop"}, the connector's topic.prefix`,
    ],
    [
      { ...HERE, x: 1 },
      { lsn: 1 },
      `The partition of an offset must be {"server":"shop"}, the connector's topic.prefix`,
    ],
    [HERE, {}, "The offset must be null or contain the key 'lsn', a WAL position"],
    [HERE, { lsn: null }, `The value of the key 'lsn' in the offset ${position}`],
    [HERE, { lsn: "0/16E90D8" }, `The value of the key 'lsn' in the offset ${position}`],
    [HERE, { lsn: -1 }, `The value of the key 'lsn' in the offset ${position}`],
    [HERE, { lsn: 1.5 }, `The value of the key 'lsn' in the offset ${position}`],
    [HERE, { lsn: 1, lsn_commit: "x" }, `The value of the key 'lsn_commit' in the offset ${position}`],
    [HERE, { lsn: 1, txId: "x" }, "The value of the key 'txId' in the offset must be an integer"],
    [HERE, { lsn: 1, messageType: 1 }, "The value of the key 'messageType' in the offset must be a text"],
    [
      HERE,
      { lsn: 1, last_snapshot_record: "no" },
      "The value of the key 'last_snapshot_record' in the offset must be true or false",
    ],
  ])("%o at %o is none", (partition, offset, fault) => {
    expect(offsetFault("shop", partition, offset)).toBe(fault);
  });
});
