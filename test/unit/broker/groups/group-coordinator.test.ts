import { afterEach, describe, expect, test, vi } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { type LogFields, type Logger, silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { ClassicGroup } from "../../../../src/broker/groups/classic/classic-group.js";
import { GroupCoordinator } from "../../../../src/broker/groups/group-coordinator.js";
import { GroupLog } from "../../../../src/broker/groups/group-log.js";
import { partitionOfId } from "../../../../src/broker/internal-topics/coordinator-log.js";
import type { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { readBatchHeader } from "../../../../src/protocol/records/record-batch.js";
import { batchOf, openTestLog } from "../../../support/broker-log.js";
import { MemoryDisk } from "../../../support/memory-disk.js";
import { TestTopics } from "../../../support/test-topics.js";

const PARTITIONS = 2;

/** A coordinator over logs of which some partitions fail in a way that no error code foresees. */
class Coordinator {
  readonly clock = new SimClock();
  readonly broken = new Set<number>();
  readonly errors: LogFields[] = [];
  readonly groups: GroupCoordinator;

  constructor() {
    const logger: Logger = { ...silentLogger, error: (_, fields = {}) => void this.errors.push(fields) };
    const logs = Array.from({ length: PARTITIONS }, (_, partition) => {
      const append = () => {
        if (this.broken.has(partition)) throw new TypeError("a fault of the broker itself");
      };
      return { append, settled: () => undefined } as unknown as PartitionLog;
    });
    const properties = new BrokerProperties({});
    const log = new GroupLog(() => logs, logger);
    this.groups = new GroupCoordinator(log, properties, this.clock, new SeededRandom(1), logger, new TestTopics());
  }

  join(groupId: string, clientId = "c") {
    return this.groups.join(groupId, {
      memberId: "",
      instanceId: null,
      clientId,
      clientHost: "/127.0.0.1",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
      asksForMemberId: false,
      canSkipAssignment: false,
    });
  }
}

/** Two groups in different partitions of the offsets topic. */
function twoGroups(): [string, string] {
  const other = ["b", "c", "d"].find((id) => partitionOfId(id, PARTITIONS) !== partitionOfId("a", PARTITIONS));
  return ["a", other!];
}

describe("a group whose record cannot be written", () => {
  test("costs itself only when its timer fires", async () => {
    const coordinator = new Coordinator();
    const [bad, good] = twoGroups();
    await coordinator.join(bad);
    await coordinator.join(good);
    coordinator.broken.add(partitionOfId(bad, PARTITIONS));
    await coordinator.clock.advance(60_000);
    expect(coordinator.groups.describe(good)).toMatchObject({ state: "Empty", members: [] });
    expect(coordinator.groups.describe(bad)).toMatchObject({ state: "Empty", members: [] });
    expect(coordinator.errors.map(({ group }) => group)).toEqual([bad]);
  });

  test("answers its members with an error instead of not at all", async () => {
    const coordinator = new Coordinator();
    const { memberId, generationId } = await coordinator.join("a");
    coordinator.broken.add(partitionOfId("a", PARTITIONS));
    const identity = { memberId, instanceId: null, generationId, protocolType: null, protocolName: null };
    const answer = await coordinator.groups.sync("a", { ...identity, assignments: [] });
    expect(answer.errorCode).toBe(ErrorCodes.UNKNOWN_SERVER_ERROR);
  });

  test("does not keep the offsets of others from expiring", async () => {
    const coordinator = new Coordinator();
    const [bad, good] = twoGroups();
    const value = {
      offset: 1,
      leaderEpoch: -1,
      metadata: "",
      commitTimestamp: coordinator.clock.nowMs(),
      expireTimestamp: -1,
    };
    for (const groupId of [bad, good]) {
      const offsets = [{ topic: "t", partition: 0, ...value }];
      coordinator.groups.commit({ groupId, generationId: -1, memberId: "", instanceId: null, offsets }, 0);
    }
    coordinator.broken.add(partitionOfId(bad, PARTITIONS));
    await coordinator.clock.advance(8 * 86_400_000);
    coordinator.groups.expire();
    expect(coordinator.groups.offsets.get(good, "t", 0)).toBeUndefined();
    expect(coordinator.groups.offsets.get(bad, "t", 0)).toBeDefined();
    coordinator.broken.clear();
    coordinator.groups.expire();
    expect(coordinator.groups.offsets.get(bad, "t", 0)).toBeUndefined();
  });
});

describe("a fault in the code of a group", () => {
  afterEach(() => vi.restoreAllMocks());

  /** The next call of `method` for this group throws. */
  function failOnce(method: "tick" | "snapshot", groupId: string): void {
    const original = ClassicGroup.prototype[method] as (this: ClassicGroup, ...args: unknown[]) => never;
    let failed = false;
    vi.spyOn(ClassicGroup.prototype, method).mockImplementation(function (this: ClassicGroup, ...args: unknown[]) {
      if (this.groupId !== groupId || failed) return original.apply(this, args);
      failed = true;
      throw new TypeError("a fault of the broker itself");
    });
  }

  test("in its timer costs no other group, and is retried", async () => {
    const coordinator = new Coordinator();
    const [bad, good] = twoGroups();
    await coordinator.join(bad);
    await coordinator.join(good);
    failOnce("tick", bad);
    await coordinator.clock.advance(60_000);
    expect(coordinator.errors.map(({ group }) => group)).toEqual([bad]);
    for (const group of [bad, good]) expect(coordinator.groups.describe(group)).toMatchObject({ state: "Empty" });
  });

  test("in the expiry keeps no other group, and is retried", async () => {
    const coordinator = new Coordinator();
    for (const group of twoGroups()) await coordinator.join(group);
    await coordinator.clock.advance(60_000);
    failOnce("snapshot", twoGroups()[0]);
    const present = () => twoGroups().filter((group) => coordinator.groups.describe(group)?.state === "Empty");
    coordinator.groups.expire();
    expect([coordinator.errors.length, present()]).toEqual([1, [twoGroups()[0]]]);
    coordinator.groups.expire();
    expect(present()).toEqual([]);
  });
});

describe("the regular expiry", () => {
  test("removes a group without members and offsets at once, as Kafka does, but none that a client still joins", async () => {
    const { groups, clock } = new Coordinator();
    const member = { clientId: "c", clientHost: "/127.0.0.1", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 };
    const command = {
      ...member,
      memberId: "",
      instanceId: null,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
      canSkipAssignment: false,
    };
    const joined = groups.join("left", { ...command, asksForMemberId: false });
    await clock.settled();
    const { memberId } = await joined;
    groups.leave("left", [{ memberId, instanceId: null }]);
    await groups.join("pending", { ...command, asksForMemberId: true });
    expect(groups.list().map(({ groupId }) => groupId)).toEqual(["left", "pending"]);
    groups.expire();
    expect(groups.list().map(({ groupId }) => groupId)).toEqual(["pending"]);
  });
});

describe("over logs on a disk", () => {
  const commitOf = (offset: number) => ({
    groupId: "g",
    generationId: -1,
    memberId: "",
    instanceId: null,
    offsets: [
      { topic: "t", partition: 0, offset, leaderEpoch: -1, metadata: "", commitTimestamp: 0, expireTimestamp: -1 },
    ],
  });

  function start(disk: MemoryDisk, topics: readonly string[] = ["t"], logger: Logger = silentLogger) {
    const configs = { "flush.messages": "1" };
    const logs = [openTestLog("/data/o-0", { disk, configs })];
    const groups = new GroupCoordinator(
      new GroupLog(() => logs, logger),
      new BrokerProperties({}),
      new SimClock(),
      new SeededRandom(1),
      logger,
      new TestTopics(...topics.map((name) => [name, 2] as const)),
    );
    groups.load();
    return { groups, log: logs[0]! };
  }

  function freshDisk(): MemoryDisk {
    const disk = new MemoryDisk(new SeededRandom(1));
    disk.makeFolder("/data/o-0");
    disk.syncFolder("/");
    return disk;
  }

  test("a commit is settled once it is on disk", async () => {
    const disk = freshDisk();
    const { groups } = start(disk);
    groups.commit(commitOf(5), 0);
    expect(await groups.settled("g")).toBe(ErrorCodes.NONE);
    disk.restart();
    expect(start(disk).groups.offsets.get("g", "t", 0)?.offset).toBe(5);
  });

  test("a group for which only a transaction has committed offsets does not expire before that has ended", async () => {
    const disk = freshDisk();
    const producer = { producerId: 7, producerEpoch: 0, baseSequence: -1, isTransactional: true };
    const { groups, log } = start(disk);
    groups.commit({ ...commitOf(5), producer }, 0);
    groups.expire();
    await log.settled(log.logEndOffset);
    disk.restart();
    const again = start(disk);
    again.groups.expire();
    expect(again.groups.offsets.get("g", "t", 0)).toBeUndefined();
    expect(again.groups.list().map(({ groupId }) => groupId)).toEqual(["g"]);
    again.log.appendMarker({ producerId: 7, producerEpoch: 0, coordinatorEpoch: 1, kind: "COMMIT" });
    again.groups.offsets.endTransaction(0, 7, true);
    expect(again.groups.offsets.get("g", "t", 0)?.offset).toBe(5);
    await again.log.settled(again.log.logEndOffset);
    disk.restart();
    expect(start(disk).groups.offsets.get("g", "t", 0)?.offset).toBe(5);
  });

  test("a commit that cannot be forced to disk is an error, and the group is refused from then on", async () => {
    const disk = freshDisk();
    const { groups } = start(disk);
    const gate = deferred();
    disk.gate = gate.promise;
    disk.broken = { call: "sync", path: /\.log$/, code: "EIO" };
    groups.commit(commitOf(5), 0);
    const settled = groups.settled("g");
    gate.resolve();
    expect(await settled).toBe(ErrorCodes.COORDINATOR_NOT_AVAILABLE);
    expect(groups.readFault("g")).toBe(ErrorCodes.NOT_COORDINATOR);
    expect(groups.commit(commitOf(6), 0)).toBe(ErrorCodes.NOT_COORDINATOR);
  });

  test("the offsets of a deleted topic are gone at once, and from the log once it can be written", async () => {
    const disk = freshDisk();
    const { groups } = start(disk);
    groups.commit(commitOf(5), 0);
    await groups.settled("g");
    disk.broken = { call: "write", path: /\.log$/, code: "ENOSPC" };
    expect(await groups.forgetTopic("t")).toBe(false);
    expect(groups.offsets.get("g", "t", 0)).toBeUndefined();
    // A new topic of the name would get them at the next start: asked again before one is made.
    expect(await groups.forgetTopic("t")).toBe(false);
    disk.broken = undefined;
    expect(await groups.forgetTopic("t")).toBe(true);
    disk.restart();
    expect(start(disk).groups.offsets.get("g", "t", 0)).toBeUndefined();
  });

  test("the deletion of a topic's offsets survives a power cut once it is acknowledged", async () => {
    const disk = freshDisk();
    const { groups } = start(disk);
    groups.commit(commitOf(5), 0);
    await groups.settled("g");
    expect(await groups.forgetTopic("t")).toBe(true);
    disk.restart();
    expect(start(disk).groups.offsets.get("g", "t", 0)).toBeUndefined();
  });

  test("the offsets of a topic that no longer exists are not loaded", async () => {
    const disk = freshDisk();
    const { groups } = start(disk);
    groups.commit(commitOf(5), 0);
    await groups.settled("g");
    disk.restart();
    const { groups: after } = start(disk, []);
    expect(after.offsets.get("g", "t", 0)).toBeUndefined();
    await after.settled("g");
    disk.restart();
    // Nor are they those of a new topic of that name.
    expect(start(disk).groups.offsets.get("g", "t", 0)).toBeUndefined();
  });

  test("groups of a partition that cannot be read are refused, since their offsets are unknown", () => {
    const disk = freshDisk();
    const { groups, log } = start(disk);
    groups.commit(commitOf(5), 0);
    const unreadable = batchOf([{ value: "v" }], undefined, "gzip");
    unreadable.fill(0, 61);
    log.append(unreadable, readBatchHeader(unreadable));
    const errors: LogFields[] = [];
    const logger = { ...silentLogger, error: (_: string, fields: LogFields = {}) => void errors.push(fields) };
    const again = new GroupCoordinator(
      new GroupLog(() => [log], logger),
      new BrokerProperties({}),
      new SimClock(),
      new SeededRandom(1),
      logger,
      new TestTopics(["t", 1]),
    );
    return log.settled(log.logEndOffset)!.then(() => {
      again.load();
      expect(errors).toEqual([{ folder: "/data/o-0" }]);
      expect(again.readFault("g")).toBe(ErrorCodes.NOT_COORDINATOR);
      expect(again.commit(commitOf(6), 0)).toBe(ErrorCodes.NOT_COORDINATOR);
    });
  });
});

test("a client id that leaves no room for the rest of a member id is refused", async () => {
  const coordinator = new Coordinator();
  const uuidBytes = 37;
  expect((await coordinator.join("a", "c".repeat(32_768 - uuidBytes))).errorCode).toBe(ErrorCodes.INVALID_REQUEST);
  expect(coordinator.groups.describe("a")).toBeUndefined();
  expect((await coordinator.join("a", "c".repeat(32_767 - uuidBytes))).errorCode).toBe(ErrorCodes.NONE);
});
