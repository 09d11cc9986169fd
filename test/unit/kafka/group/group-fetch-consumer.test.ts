import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import type { FetchedRecords } from "../../../../src/kafka/client/consumer.js";
import type { GroupConsumer, RebalanceListener } from "../../../../src/kafka/client/group-consumer.js";
import { heartbeat } from "../../../../src/protocol/apis/heartbeat.js";
import { joinGroup } from "../../../../src/protocol/apis/join-group.js";
import { leaveGroup } from "../../../../src/protocol/apis/leave-group.js";
import { offsetCommit } from "../../../../src/protocol/apis/offset-commit.js";
import { offsetFetch } from "../../../../src/protocol/apis/offset-fetch.js";
import { syncGroup } from "../../../../src/protocol/apis/sync-group.js";
import {
  decodeAssignment,
  decodeSubscription,
  encodeSubscription,
} from "../../../../src/protocol/consumer-protocol.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { RecordBatchWriter } from "../../../../src/protocol/records/record-batch-writer.js";
import { ScriptedBroker, scriptedClient } from "../scripted-broker.js";

/** A group led by one consumer: its committed offsets, and its answers to joins. */
function scriptGroup(broker: ScriptedBroker) {
  const group = {
    generation: 0,
    error: 0,
    topics: [] as string[],
    left: 0,
    committed: new Map<string, number>(),
    others: [] as { memberId: string; metadata: Buffer }[],
    onJoin: () => {},
  };
  broker.on(joinGroup, ({ protocols }) => {
    group.error = 0;
    group.onJoin();
    group.topics = decodeSubscription(protocols[0]!.metadata).topics;
    return {
      errorCode: 0,
      generationId: ++group.generation,
      protocolName: "range",
      leader: "me",
      memberId: "me",
      members: [{ memberId: "me", metadata: protocols[0]!.metadata }, ...group.others],
    };
  });
  broker.on(syncGroup, ({ assignments }) => ({
    errorCode: 0,
    assignment: assignments.find((each) => each.memberId === "me")!.assignment,
  }));
  broker.on(heartbeat, () => ({ errorCode: group.error }));
  broker.on(leaveGroup, () => {
    group.left++;
    return { errorCode: 0, members: [] };
  });
  broker.on(offsetCommit, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, committedOffset }) => {
        group.committed.set(`${name}-${partitionIndex}`, committedOffset);
        return { partitionIndex, errorCode: 0 };
      }),
    })),
  }));
  broker.on(offsetFetch, ({ topics }) => ({
    topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: group.committed.get(`${name}-${partitionIndex}`) ?? -1,
        metadata: "",
        errorCode: 0,
      })),
    })),
  }));
  return group;
}

function setUp(
  properties: Record<string, string> = {},
  changes: Partial<RebalanceListener> = {},
  topics: string[] | RegExp = ["t"],
) {
  const clock = new SimClock();
  const broker = new ScriptedBroker(clock);
  broker.topic("t", 2);
  const group = scriptGroup(broker);
  const events: string[] = [];
  const client = scriptedClient(broker, {
    "auto.offset.reset": "earliest",
    "heartbeat.interval.ms": "1000",
    ...properties,
  });
  const consumer = client.groupConsumer(
    { groupId: "g", topics },
    {
      async onAssigned(partitions) {
        events.push(`assigned ${partitions.map((each) => `${each.topic}-${each.partition}@${each.offset}`)}`);
      },
      async onRevoked(partitions) {
        events.push(`revoked ${partitions.map((each) => `${each.topic}-${each.partition}`)}`);
      },
      async onLost(partitions) {
        events.push(`lost ${partitions.map((each) => `${each.topic}-${each.partition}`)}`);
      },
      ...changes,
    },
  );
  return { clock, broker, group, events, client, consumer };
}

function store(broker: ScriptedBroker, topicPartition: string, ...values: string[]): void {
  const writer = new RecordBatchWriter();
  for (const value of values) writer.append(1, null, Buffer.from(value), []);
  broker.store(topicPartition, writer.finish());
}

/** One poll; the clock runs while it waits. */
async function poll(clock: SimClock, consumer: GroupConsumer, maxWaitMs = 500): Promise<FetchedRecords[]> {
  const polled = consumer.poll(maxWaitMs);
  void polled.catch((error: unknown) => error);
  for (let passedMs = 0; passedMs <= maxWaitMs; passedMs += 50) await clock.advance(50);
  return polled;
}

const values = (fetched: readonly FetchedRecords[]) =>
  fetched.flatMap((each) => each.records.map((record) => record.value?.toString()));

test("partitions are assigned (at committed positions or the beginning) and revoked inside a poll", async () => {
  const { clock, broker, group, events, consumer } = setUp();
  store(broker, "t-0", "a", "b");
  store(broker, "t-1", "c");
  group.committed.set("t-0", 1);
  expect(values(await poll(clock, consumer))).toEqual(["b", "c"]);
  expect(events).toEqual(["assigned t-0@1,t-1@0"]);
  group.error = ErrorCodes.REBALANCE_IN_PROGRESS;
  await clock.advance(5_000);
  // Without a poll nothing is revoked, and the group waits.
  expect(events).toHaveLength(1);
  expect(group.generation).toBe(1);
  await poll(clock, consumer);
  expect(events.slice(1)).toEqual(["revoked t-0,t-1", "assigned t-0@1,t-1@0"]);
  expect(group.generation).toBe(2);
});

test("the next owner starts at the offsets committed during the revocation", async () => {
  const { clock, broker, group, consumer } = setUp(
    {},
    {
      async onRevoked(partitions) {
        await consumer.commit(partitions.map((each) => ({ ...each, offset: consumer.position(each)! })));
      },
    },
  );
  store(broker, "t-0", "a", "b");
  await poll(clock, consumer);
  group.error = ErrorCodes.REBALANCE_IN_PROGRESS;
  await clock.advance(1_000);
  await poll(clock, consumer);
  expect(group.committed.get("t-0")).toBe(2);
  expect(consumer.position({ topic: "t", partition: 0 })).toBe(2);
});

test("a dropped consumer calls onLost for its partitions and joins again", async () => {
  const { clock, group, events, consumer } = setUp();
  await poll(clock, consumer);
  group.error = ErrorCodes.UNKNOWN_MEMBER_ID;
  await clock.advance(1_000);
  await poll(clock, consumer);
  expect(events).toEqual(["assigned t-0@0,t-1@0", "lost t-0,t-1", "assigned t-0@0,t-1@0"]);
});

test("partitions lost before their revocation go to onLost, and no more of their records are delivered", async () => {
  const { clock, broker, group, events, consumer } = setUp();
  await poll(clock, consumer);
  group.error = ErrorCodes.REBALANCE_IN_PROGRESS;
  await clock.advance(5_000);
  group.error = ErrorCodes.UNKNOWN_MEMBER_ID;
  await clock.advance(5_000);
  store(broker, "t-0", "a");
  expect(values(await poll(clock, consumer, 0))).toEqual([]);
  expect(events.slice(1)).toEqual(["lost t-0,t-1"]);
  expect(values(await poll(clock, consumer))).toEqual(["a"]);
  expect(events.slice(2)).toEqual(["assigned t-0@0,t-1@0"]);
});

test("an assignment lost during the lookup of its positions is not taken", async () => {
  const { clock, broker, group, events, consumer } = setUp();
  await poll(clock, consumer);
  const lookedUp = deferred();
  broker.fail("OffsetFetch", lookedUp.promise);
  group.error = ErrorCodes.REBALANCE_IN_PROGRESS;
  await clock.advance(1_000);
  await poll(clock, consumer);
  expect(events.slice(1)).toEqual(["revoked t-0,t-1"]);
  group.error = ErrorCodes.UNKNOWN_MEMBER_ID;
  await clock.advance(1_000);
  lookedUp.resolve();
  await poll(clock, consumer);
  await poll(clock, consumer);
  expect(events.slice(2)).toEqual(["assigned t-0@0,t-1@0"]);
  expect(group.generation).toBe(3);
});

test("a consumer not polled for max.poll.interval.ms leaves the group until it is polled again", async () => {
  const { clock, group, events, consumer } = setUp({ "max.poll.interval.ms": "20000" });
  await poll(clock, consumer);
  await clock.advance(19_000);
  expect(group.left).toBe(0);
  await clock.advance(2_000);
  expect(group.left).toBe(1);
  await clock.advance(60_000);
  expect(group.generation).toBe(1);
  await poll(clock, consumer);
  await poll(clock, consumer);
  expect(events).toEqual(["assigned t-0@0,t-1@0", "lost t-0,t-1", "assigned t-0@0,t-1@0"]);
});

test("poll throws an error of the listener, and the member continues", async () => {
  let fails = true;
  const { clock, broker, consumer } = setUp(
    {},
    {
      async onAssigned() {
        if (fails) throw new Error("not ready");
      },
    },
  );
  store(broker, "t-0", "a");
  await expect(poll(clock, consumer)).rejects.toThrow("not ready");
  fails = false;
  expect(values(await poll(clock, consumer))).toEqual(["a"]);
});

test("poll throws a refusal by the coordinator", async () => {
  const { clock, broker, consumer } = setUp();
  broker.fail("JoinGroup", "GROUP_AUTHORIZATION_FAILED");
  await expect(poll(clock, consumer)).rejects.toThrow(/Joining group g: not authorized for this group/);
});

test("poll throws without a committed offset and with auto.offset.reset=none", async () => {
  const { clock, consumer } = setUp({ "auto.offset.reset": "none" });
  await expect(poll(clock, consumer)).rejects.toThrow(/t-0: group g has no committed offset/);
});

test("new topics and new partitions make the group rebalance", async () => {
  const { clock, broker, events, consumer } = setUp({ "metadata.max.age.ms": "10000" }, {}, /t.*/);
  broker.topic("other", 1);
  await poll(clock, consumer);
  broker.topic("t2", 1);
  broker.topic("t", 3);
  await clock.advance(10_000);
  await poll(clock, consumer);
  expect(events.at(-1)).toBe("assigned t-0@0,t-1@0,t-2@0,t2-0@0");
});

test("a named topic that does not exist is assigned soon after its creation", async () => {
  const { clock, broker, group, events, consumer } = setUp({}, {}, ["t", "later"]);
  await poll(clock, consumer);
  expect(group.topics).toEqual(["t"]);
  broker.topic("later", 1);
  await clock.advance(6_000);
  await poll(clock, consumer);
  expect(events.at(-1)).toBe("assigned later-0@0,t-0@0,t-1@0");
});

test("partitions that the broker does not know during the assignment are assigned soon after", async () => {
  const { clock, broker, group, events, consumer } = setUp({ "metadata.max.age.ms": "60000" });
  await poll(clock, consumer);
  broker.topic("t", 4);
  group.onJoin = () => broker.topic("t", 2);
  await clock.advance(60_000);
  await poll(clock, consumer);
  expect(group.generation).toBe(2);
  expect(events.at(-1)).toBe("assigned t-0@0,t-1@0");
  group.onJoin = () => {};
  // A look at the broker that lags behind changes nothing and is not the last.
  await clock.advance(6_000);
  expect(group.generation).toBe(2);
  broker.topic("t", 4);
  await clock.advance(6_000);
  await poll(clock, consumer);
  expect(group.generation).toBe(3);
  expect(events.at(-1)).toBe("assigned t-0@0,t-1@0,t-2@0,t-3@0");
});

test("a new topic that the broker does not know during the assignment is assigned soon after", async () => {
  const { clock, broker, group, events, consumer } = setUp({ "metadata.max.age.ms": "60000" }, {}, /t.*/);
  await poll(clock, consumer);
  broker.topic("t2", 1);
  group.onJoin = () => broker.topics.delete("t2");
  await clock.advance(60_000);
  await poll(clock, consumer);
  expect(events.at(-1)).toBe("assigned t-0@0,t-1@0");
  group.onJoin = () => {};
  broker.topic("t2", 1);
  await clock.advance(6_000);
  await poll(clock, consumer);
  expect(events.at(-1)).toBe("assigned t-0@0,t-1@0,t2-0@0");
});

test("a new topic that matches the pattern but cannot be described yet is looked up again soon", async () => {
  const { clock, broker, events, consumer } = setUp({}, {}, /t.*/);
  broker.topic("t2", 1);
  broker.unready.add("t2");
  await poll(clock, consumer);
  expect(events).toEqual(["assigned t-0@0,t-1@0"]);
  broker.unready.clear();
  await clock.advance(6_000);
  await poll(clock, consumer);
  expect(events.at(-1)).toBe("assigned t-0@0,t-1@0,t2-0@0");
});

test("partitions found during the assignment do not cause a second rebalance", async () => {
  const { clock, broker, group, events, consumer } = setUp({ "metadata.max.age.ms": "10000" });
  group.onJoin = () => broker.topic("t", 3);
  await poll(clock, consumer);
  expect(events.at(-1)).toBe("assigned t-0@0,t-1@0,t-2@0");
  await clock.advance(30_000);
  await poll(clock, consumer);
  expect(group.generation).toBe(1);
});

test("a leader watches topics that only another member reads", async () => {
  const { clock, broker, group, consumer } = setUp({ "metadata.max.age.ms": "10000" });
  group.others = [{ memberId: "you", metadata: encodeSubscription(1, { topics: ["other"] }) }];
  const yours = () => {
    const { assignments } = broker.requests(syncGroup).at(-1)!;
    const { assignment } = assignments.find((each) => each.memberId === "you")!;
    return decodeAssignment(assignment).assignedPartitions;
  };
  await poll(clock, consumer);
  expect(yours()).toEqual([]);
  broker.topic("other", 1);
  await clock.advance(6_000);
  await poll(clock, consumer);
  expect(yours()).toEqual([{ topic: "other", partitions: [0] }]);
  broker.topic("other", 2);
  await clock.advance(10_000);
  await poll(clock, consumer);
  expect(yours()).toEqual([{ topic: "other", partitions: [0, 1] }]);
  expect(group.generation).toBe(3);
});

test("closing leaves the group without calling the listener, even while an event waits for a poll", async () => {
  const { clock, group, events, consumer } = setUp();
  await poll(clock, consumer);
  group.error = ErrorCodes.REBALANCE_IN_PROGRESS;
  await clock.advance(2_000);
  const closed = consumer.close();
  await clock.advance(100);
  await closed;
  expect(group.left).toBe(1);
  expect(events).toHaveLength(1);
  await expect(consumer.poll(1_000)).rejects.toThrow("The consumer of group g was closed");
  await expect(consumer.commit([{ topic: "t", partition: 0, offset: 1 }])).rejects.toThrow("was closed");
  expect(() => consumer.pause([{ topic: "t", partition: 0 }])).toThrow("was closed");
});

test("closing the client ends it like a crash: a running poll returns, and the group is not left", async () => {
  const { clock, group, events, client, consumer } = setUp();
  await poll(clock, consumer);
  const polled = consumer.poll(60_000);
  await clock.advance(10);
  await client.close();
  expect(await polled).toEqual([]);
  await expect(consumer.poll(60_000)).rejects.toThrow("The consumer of group g was closed");
  await clock.advance(60_000);
  expect(group.left).toBe(0);
  expect(events).toHaveLength(1);
  expect(clock.pendingTimers).toBe(0);
});
