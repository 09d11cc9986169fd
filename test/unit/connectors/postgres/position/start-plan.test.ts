import { describe, expect, test } from "vitest";
import {
  type ConfiguredRules,
  type SnapshotMode,
  snapshotRules,
} from "../../../../../connectors/postgres/config/snapshot-rules.js";
import { readOffset } from "../../../../../connectors/postgres/position/source-offset.js";
import { planStart, type StartScene } from "../../../../../connectors/postgres/position/start-plan.js";
import type { Lsn } from "../../../../../connectors/postgres/wal/lsn.js";
import type { SlotState } from "../../../../../connectors/postgres/wal/replication-slot.js";
import type { SourceMap } from "../../../../../src/api/index.js";

const slot = (restart: number, confirmed: number, isLost = false): SlotState => ({
  plugin: "pgoutput",
  database: "d",
  isActive: false,
  restartLsn: restart as Lsn,
  confirmedLsn: confirmed as Lsn,
  isLost,
  isSynced: false,
});
const RUNNING: SourceMap = { lsn: 800, snapshot: "INITIAL", last_snapshot_record: false, snapshot_completed: false };
const COMPLETE: SourceMap = { ...RUNNING, last_snapshot_record: true, snapshot_completed: true };
const STREAMED: SourceMap = { lsn: 1600, lsn_proc: 1600, lsn_commit: 1560, messageType: "INSERT", txId: 7 };
const OURS: SourceMap = { system_id: "7", timeline: 1 };
/** In the slot's first transaction, before any commit. */
const PART_OF_FIRST: SourceMap = { lsn: 1600, lsn_proc: 1600, messageType: "INSERT", txId: 7 };

const NOTHING: ConfiguredRules = { takesData: false, startsStream: false, retakesOnDataError: false };

const plan = (
  mode: SnapshotMode | ConfiguredRules,
  offset: SourceMap | null,
  state: SlotState | undefined,
  more: Partial<StartScene> = {},
) =>
  planStart({
    rules: typeof mode === "string" ? snapshotRules(mode, NOTHING) : snapshotRules("configuration_based", mode),
    offset: offset === null ? null : readOffset(offset),
    slot: state,
    slotName: "s",
    wal: { lsn: 5000 as Lsn, isStandby: false },
    lineage: { kind: "same" },
    confirmsLsn: true,
    trustsSlot: false,
    hasSnapshot: false,
    ...more,
  });

describe("a first start", () => {
  test("creates the slot and reads from its snapshot", () => {
    for (const mode of ["initial", "always", "when_needed"] as const)
      expect(plan(mode, null, undefined)).toEqual({ kind: "snapshot", slot: "create" });
  });

  test("with a slot of an earlier attempt reads in its own transaction, and streams from the slot's position", () => {
    expect(plan("initial", null, slot(700, 800))).toEqual({ kind: "snapshot", slot: "keep" });
    expect(plan("initial", RUNNING, slot(700, 800))).toEqual({ kind: "snapshot", slot: "keep" });
  });

  test("under no_data creates the slot and streams; under initial_only creates none", () => {
    expect(plan("no_data", null, undefined)).toEqual({ kind: "stream", slot: "create" });
    expect(plan("no_data", null, slot(1, 1))).toEqual({ kind: "stream", slot: "keep" });
    expect(plan("initial_only", null, undefined)).toEqual({ kind: "snapshot", slot: "none" });
  });
});

describe("a later start", () => {
  test("streams from its offset", () => {
    expect(plan("initial", COMPLETE, slot(700, 800))).toEqual({ kind: "stream", slot: "keep" });
    expect(plan("initial", STREAMED, slot(1500, 1560))).toEqual({ kind: "stream", slot: "keep" });
    expect(plan("initial_only", COMPLETE, undefined)).toEqual({ kind: "idle" });
  });

  test("under always takes a snapshot once, and not again for a lost connection", () => {
    expect(plan("always", STREAMED, slot(1500, 1560))).toEqual({ kind: "snapshot", slot: "keep" });
    expect(plan("always", STREAMED, slot(1500, 1560), { hasSnapshot: true })).toEqual({ kind: "stream", slot: "keep" });
  });

  test("refuses a gap: the slot is gone, or was recreated past the offset", () => {
    expect(plan("initial", STREAMED, undefined)).toMatchObject({
      kind: "refuse",
      reason: expect.stringMatching(/slot s does not exist/),
    });
    expect(plan("initial", STREAMED, slot(4000, 4000))).toMatchObject({
      kind: "refuse",
      reason: expect.stringMatching(/begins at 4000, behind it/),
    });
    expect(plan("always", STREAMED, undefined, { hasSnapshot: true })).toMatchObject({ kind: "refuse" });
  });

  test("recognises a slot that it advanced itself while the source was idle", () => {
    expect(plan("initial", STREAMED, slot(4000, 4007))).toEqual({ kind: "stream", slot: "keep" });
  });

  test("refuses an offset ahead of the server, naming both positions, or takes a snapshot if the mode allows", () => {
    for (const ahead of [
      { ...STREAMED, lsn_commit: 5008 },
      { ...STREAMED, lsn_proc: 5008 },
      { ...COMPLETE, lsn: 5008 },
    ]) {
      expect(plan("initial", ahead, slot(700, 800))).toMatchObject({
        kind: "refuse",
        reason: expect.stringMatching(/0\/1390 \(5008\).*ends at 0\/1388 \(5000\).*when_needed/),
      });
      expect(plan("when_needed", ahead, slot(700, 800))).toEqual({ kind: "snapshot", slot: "keep" });
      expect(plan("when_needed", ahead, slot(700, 800), { wal: { lsn: 5000 as Lsn, isStandby: true } })).toMatchObject({
        kind: "wait",
        reason: expect.stringMatching(/5008.*5000.*standby/),
      });
    }
    expect(plan("initial", { ...STREAMED, lsn_commit: 5000 }, slot(700, 800))).toEqual({
      kind: "stream",
      slot: "keep",
    });
  });

  test("refuses a slot that others moved past the offset, takes a snapshot, or goes on without what is missing", () => {
    for (const [offset, by] of [
      [{ ...STREAMED, ...OURS }, 1568],
      [{ ...PART_OF_FIRST, ...OURS, slot_start: 1500 }, 1608],
      [{ ...OURS, lsn: 800 }, 808],
    ] as const) {
      expect(plan("when_needed", offset, slot(700, by))).toEqual({ kind: "snapshot", slot: "keep" });
      expect(plan("when_needed", offset, slot(700, by - 8))).toEqual({ kind: "stream", slot: "keep" });
      expect(plan("when_needed", offset, slot(700, by + 7))).toEqual({ kind: "stream", slot: "keep" });
      expect(plan("initial", offset, slot(700, by))).toMatchObject({
        kind: "refuse",
        reason: expect.stringMatching(
          new RegExp(
            `\\(${by}\\), past the stored offset .*are lost.*when_needed.*offset.mismatch.strategy=trust_slot`,
          ),
        ),
      });
      for (const more of [{ trustsSlot: true }, { confirmsLsn: false }])
        expect(plan("initial", offset, slot(700, by), more)).toEqual({
          kind: "stream",
          slot: "keep",
          warning: expect.stringMatching(new RegExp(`\\(${by}\\), past the stored offset`)),
        });
      expect(plan("when_needed", offset, slot(700, by), { confirmsLsn: false })).toMatchObject({ kind: "stream" });
    }
  });

  test("takes over a slot that Debezium confirmed past its stored offset: the record acknowledged last may be newer", () => {
    expect(plan("initial", STREAMED, slot(1500, 1720))).toEqual({
      kind: "stream",
      slot: "keep",
      warning: expect.stringMatching(/moved to .*\(1720\).* by the Debezium that stored it, or another.*may be lost/),
    });
    expect(plan("when_needed", STREAMED, slot(1500, 1720))).toEqual({ kind: "snapshot", slot: "keep" });
  });

  test("warns of a gap that is only possible: changes may lie before the slot's first position", () => {
    const part = { ...PART_OF_FIRST, ...OURS };
    expect(plan("initial", part, slot(700, 1608))).toMatchObject({
      kind: "stream",
      warning: expect.stringMatching(/ by another process: .*may be lost/),
    });
    expect(plan("when_needed", part, slot(700, 1608))).toMatchObject({ kind: "snapshot" });
    expect(plan("initial", { ...part, slot_start: 1608 }, slot(700, 1608))).toEqual({
      kind: "stream",
      slot: "keep",
    });
  });

  test("refuses an offset beyond the fork of its timeline, or takes a snapshot if the mode says so", () => {
    const lineage = { kind: "diverged", reason: "timeline 2" } as const;
    for (const mode of ["initial", "no_data"] as const)
      expect(plan(mode, STREAMED, slot(700, 800), { lineage })).toMatchObject({
        kind: "refuse",
        reason: expect.stringMatching(/timeline 2.*when_needed/),
      });
    for (const mode of ["when_needed", "always"] as const)
      expect(plan(mode, STREAMED, slot(700, 800), { lineage })).toEqual({ kind: "snapshot", slot: "keep" });
  });

  test("refuses another system under every mode", () => {
    const lineage = { kind: "foreign", reason: "system 9" } as const;
    for (const mode of ["initial", "no_data", "when_needed", "always"] as const)
      expect(plan(mode, STREAMED, slot(700, 800), { lineage })).toMatchObject({ kind: "refuse" });
  });

  test("waits on a standby that may still serve the offset", () => {
    const onStandby = { wal: { lsn: 5000 as Lsn, isStandby: true } };
    const waits = (reason: RegExp, state: SlotState | undefined, more: Partial<StartScene> = {}) => {
      for (const mode of ["initial", "when_needed", "no_data"] as const)
        expect(plan(mode, STREAMED, state, { ...onStandby, ...more })).toEqual({
          kind: "wait",
          reason: expect.stringMatching(reason),
        });
    };
    waits(/slot s does not exist on the standby/, undefined);
    waits(/slot s is synchronized.*promotion/, { ...slot(700, 800), isSynced: true });
    waits(/slot s is synchronized/, { ...slot(700, 800, true), isSynced: true });
    waits(/an earlier one.*Waiting for the standby to follow/, slot(700, 800), {
      lineage: { kind: "earlier", reason: "timeline 1, an earlier one" },
    });
    expect(plan("initial", STREAMED, slot(700, 800), onStandby)).toEqual({ kind: "stream", slot: "keep" });
    expect(plan("initial", null, undefined, onStandby)).toEqual({ kind: "snapshot", slot: "create" });
  });

  test("does not stream from a slot ahead of the server", () => {
    expect(plan("initial", null, slot(700, 5008))).toMatchObject({
      kind: "refuse",
      reason: expect.stringMatching(/slot s is confirmed up to .*5008.*5000.*when_needed, which recreates the slot/),
    });
    expect(plan("when_needed", STREAMED, slot(700, 5008))).toEqual({ kind: "snapshot", slot: "recreate" });
  });

  test("under when_needed takes a new snapshot instead", () => {
    expect(plan("when_needed", STREAMED, undefined)).toEqual({ kind: "snapshot", slot: "create" });
    expect(plan("when_needed", STREAMED, slot(4000, 4000))).toEqual({ kind: "snapshot", slot: "keep" });
    expect(plan("when_needed", STREAMED, slot(0, 0, true))).toEqual({ kind: "snapshot", slot: "recreate" });
  });

  test("refuses an invalidated slot, and an unfinished snapshot under no_data, and names the remedy", () => {
    expect(plan("initial", STREAMED, slot(1, 1, true))).toMatchObject({
      kind: "refuse",
      reason: expect.stringMatching(/Drop it/),
    });
    expect(plan("no_data", RUNNING, slot(1, 1))).toMatchObject({
      kind: "refuse",
      reason: expect.stringMatching(/never allow snapshots/),
    });
  });
});

test("offsets of Debezium are read, old ones too", () => {
  expect(readOffset({ lsn: 5, snapshot: true, last_snapshot_record: false })).toMatchObject({
    isSnapshotRunning: true,
  });
  expect(readOffset({ lsn: 5, snapshot: "true", last_snapshot_record: "true" })).toMatchObject({
    isSnapshotRunning: false,
  });
  expect(
    readOffset({
      transaction_id: null,
      lsn_proc: 9n,
      messageType: "UPDATE",
      lsn_commit: 8,
      lsn: 9,
      txId: 3,
      ts_usec: 1,
    }),
  ).toEqual({
    lsn: 9,
    lsnProc: 9,
    lsnCommit: 8,
    messageType: "UPDATE",
    txId: 3,
    timeUs: 1,
    eventsProcessed: 1,
    isSnapshotRunning: false,
    identity: null,
    slotStart: null,
  });
});

describe("configuration_based", () => {
  test("takes a snapshot at each start if data is asked for, and streams if that is", () => {
    const both = { takesData: true, startsStream: true, retakesOnDataError: false };
    expect(plan(both, null, undefined)).toEqual({ kind: "snapshot", slot: "create" });
    expect(plan(both, STREAMED, slot(1500, 1560))).toEqual({ kind: "snapshot", slot: "keep" });
    expect(plan(both, STREAMED, slot(1500, 1560), { hasSnapshot: true })).toEqual({ kind: "stream", slot: "keep" });
    const stream = { ...both, takesData: false };
    expect(plan(stream, null, undefined)).toEqual({ kind: "stream", slot: "create" });
    expect(plan(stream, RUNNING, undefined)).toMatchObject({ kind: "refuse" });
    const data = { ...both, startsStream: false };
    expect(plan(data, null, undefined)).toEqual({ kind: "snapshot", slot: "none" });
    expect(plan(data, COMPLETE, undefined)).toEqual({ kind: "snapshot", slot: "none" });
    expect(plan(data, COMPLETE, undefined, { hasSnapshot: true })).toEqual({ kind: "idle" });
    expect(plan(NOTHING, null, undefined)).toEqual({ kind: "idle" });
  });

  test("takes one where the position is lost, only if that is asked for", () => {
    const stream = { takesData: false, startsStream: true, retakesOnDataError: false };
    expect(plan(stream, STREAMED, undefined)).toMatchObject({ kind: "refuse" });
    const retaking = { ...stream, retakesOnDataError: true };
    expect(plan(retaking, STREAMED, undefined)).toEqual({ kind: "snapshot", slot: "create" });
    expect(plan(retaking, null, slot(1, 1, true))).toEqual({ kind: "snapshot", slot: "recreate" });
  });
});
