import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { type LogFields, type Logger, silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { GroupCoordinator } from "../../../../src/broker/groups/group-coordinator.js";
import { GroupLog, partitionOfGroup } from "../../../../src/broker/groups/group-log.js";
import type { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";

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
    this.groups = new GroupCoordinator(log, properties, this.clock, new SeededRandom(1), logger);
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
  const other = ["b", "c", "d"].find((id) => partitionOfGroup(id, PARTITIONS) !== partitionOfGroup("a", PARTITIONS));
  return ["a", other!];
}

describe("a group whose record cannot be written", () => {
  test("costs itself only when its timer fires", async () => {
    const coordinator = new Coordinator();
    const [bad, good] = twoGroups();
    await coordinator.join(bad);
    await coordinator.join(good);
    coordinator.broken.add(partitionOfGroup(bad, PARTITIONS));
    await coordinator.clock.advance(60_000);
    expect(coordinator.groups.describe(good)).toMatchObject({ state: "Empty", members: [] });
    expect(coordinator.groups.describe(bad)).toMatchObject({ state: "Empty", members: [] });
    expect(coordinator.errors.map(({ group }) => group)).toEqual([bad]);
  });

  test("answers its members with an error instead of not at all", async () => {
    const coordinator = new Coordinator();
    const { memberId, generationId } = await coordinator.join("a");
    coordinator.broken.add(partitionOfGroup("a", PARTITIONS));
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
    coordinator.broken.add(partitionOfGroup(bad, PARTITIONS));
    await coordinator.clock.advance(8 * 86_400_000);
    coordinator.groups.expire();
    expect(coordinator.groups.offset(good, "t", 0)).toBeUndefined();
    expect(coordinator.groups.offset(bad, "t", 0)).toBeDefined();
    coordinator.broken.clear();
    coordinator.groups.expire();
    expect(coordinator.groups.offset(bad, "t", 0)).toBeUndefined();
  });
});

test("a client id that leaves no room for the rest of a member id is refused", async () => {
  const coordinator = new Coordinator();
  const uuidBytes = 37;
  expect((await coordinator.join("a", "c".repeat(32_768 - uuidBytes))).errorCode).toBe(ErrorCodes.INVALID_REQUEST);
  expect(coordinator.groups.describe("a")).toBeUndefined();
  expect((await coordinator.join("a", "c".repeat(32_767 - uuidBytes))).errorCode).toBe(ErrorCodes.NONE);
});
