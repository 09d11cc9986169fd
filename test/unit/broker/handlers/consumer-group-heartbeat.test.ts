import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { GroupCoordinator } from "../../../../src/broker/groups/group-coordinator.js";
import { GroupLog } from "../../../../src/broker/groups/group-log.js";
import { consumerGroupHeartbeat as handler } from "../../../../src/broker/handlers/consumer-group-heartbeat.js";
import { consumerGroupHeartbeat as api } from "../../../../src/protocol/apis/consumer-group-heartbeat.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { openTestLog } from "../../../support/broker-log.js";
import { MemoryDisk } from "../../../support/memory-disk.js";
import { serve } from "../../../support/serve.js";
import { TestTopics } from "../../../support/test-topics.js";

const JOIN = { groupId: "g", memberEpoch: 0, rebalanceTimeoutMs: 60_000, subscribedTopicNames: ["t"] };

function rig() {
  const disk = new MemoryDisk(new SeededRandom(1));
  disk.makeFolder("/data/o-0");
  disk.syncFolder("/");
  const log = openTestLog("/data/o-0", { disk, configs: { "flush.messages": "1" } });
  const groupLog = new GroupLog(() => [log], silentLogger);
  const [properties, clock, random] = [new BrokerProperties({}), new SimClock(), new SeededRandom(1)];
  const topics = new TestTopics(["t", 2]);
  const groups = new GroupCoordinator(groupLog, properties, clock, random, silentLogger, topics);
  const join = (memberId: string, version = 1) =>
    serve(
      handler,
      api,
      version,
      { ...JOIN, memberId, topicPartitions: [] },
      { broker: { groups, logger: silentLogger } },
    );
  return { disk, groups, join };
}

test("a member learns of its partitions once they are on disk", async () => {
  const { disk, join } = rig();
  const [gate, syncing] = [deferred(), deferred()];
  Object.defineProperty(disk, "gate", {
    get() {
      syncing.resolve();
      return gate.promise;
    },
  });
  let isAnswered = false;
  const joining = join("m").finally(() => {
    isAnswered = true;
  });
  await syncing.promise;
  expect(isAnswered).toBe(false);
  gate.resolve();
  expect((await joining).assignment?.topicPartitions[0]?.partitions).toEqual([0, 1]);
});

test("a member learns of nothing that cannot be forced to disk", async () => {
  const { disk, join, groups } = rig();
  disk.broken = { call: "sync", path: /\.log$/, code: "EIO" };
  expect(await join("m")).toMatchObject({ errorCode: ErrorCodes.COORDINATOR_NOT_AVAILABLE, assignment: null });
  expect(groups.readFault("g")).toBe(ErrorCodes.NOT_COORDINATOR);
  expect(await join("m")).toMatchObject({ errorCode: ErrorCodes.NOT_COORDINATOR });
});

test("a member of version 0 may be given its id", async () => {
  const { join } = rig();
  const { memberId, memberEpoch } = await join("", 0);
  expect(memberId).toMatch(/^[0-9a-f-]{36}$/);
  expect(memberEpoch).toBe(2);
});
