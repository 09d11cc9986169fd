import type { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { BrokerProperties } from "../../../src/broker/broker-properties.js";
import { GroupCoordinator } from "../../../src/broker/groups/group-coordinator.js";
import { GroupLog } from "../../../src/broker/groups/group-log.js";
import type { PartitionLog } from "../../../src/broker/log/partition-log.js";
import { heartbeat } from "../../../src/protocol/apis/heartbeat.js";
import { joinGroup } from "../../../src/protocol/apis/join-group.js";
import { leaveGroup } from "../../../src/protocol/apis/leave-group.js";
import { syncGroup } from "../../../src/protocol/apis/sync-group.js";
import { ScriptedBroker } from "../../unit/kafka/scripted-broker.js";
import { TestTopics } from "../test-topics.js";

/** A broker in memory whose groups are the bundled broker's own, over a log that discards everything. */
export function groupBroker(clock: SimClock, seed = 1): ScriptedBroker {
  const log = new GroupLog(() => [{ append() {}, settled() {} } as unknown as PartitionLog], silentLogger);
  const properties = new BrokerProperties({});
  const random = new SeededRandom(seed);
  const coordinator = new GroupCoordinator(log, properties, clock, random, silentLogger, new TestTopics());
  const broker = new ScriptedBroker(clock);
  broker.on(joinGroup, (request) =>
    coordinator.join(request.groupId, {
      ...request,
      instanceId: null,
      clientId: "c",
      clientHost: "/127.0.0.1",
      asksForMemberId: true,
      canSkipAssignment: false,
    }),
  );
  broker.on(syncGroup, (request) => coordinator.sync(request.groupId, { ...request, instanceId: null }));
  broker.on(heartbeat, ({ groupId, generationId, memberId }) => ({
    errorCode: coordinator.heartbeat(groupId, { memberId, instanceId: null }, generationId),
  }));
  broker.on(leaveGroup, ({ groupId, members }) => {
    const left = coordinator.leave(
      groupId,
      members.map(({ memberId }) => ({ memberId, instanceId: null })),
    );
    const codes = typeof left === "number" ? members.map(() => left) : left;
    return { errorCode: 0, members: members.map((each, at) => ({ ...each, errorCode: codes[at]! })) };
  });
  return broker;
}
