import { SimClock } from "../../src/base/clock.js";
import { type LogFields, silentLogger } from "../../src/base/logger.js";
import { SeededRandom } from "../../src/base/random.js";
import { BrokerProperties } from "../../src/broker/broker-properties.js";
import { FreeSpace } from "../../src/broker/free-space.js";
import type { Broker } from "../../src/broker/handler.js";
import { HANDLERS } from "../../src/broker/handlers/handler-table.js";
import { type ConnectionCall, Dispatcher } from "../../src/broker/net/dispatcher.js";
import { openCoordinators } from "../../src/broker/open-coordinators.js";
import { ClientQuotas } from "../../src/broker/quotas/client-quotas.js";
import { ListenerCertificates } from "../../src/broker/security/listener-certificates.js";
import { ANONYMOUS, Session } from "../../src/broker/security/session.js";
import type { Api } from "../../src/protocol/api.js";
import { MalformedError } from "../../src/protocol/malformed-error.js";
import type { Fields } from "../../src/protocol/message-fields.js";
import { append, batchOf, readAll } from "./broker-log.js";
import { MemoryDisk } from "./memory-disk.js";
import { RandomFrames } from "./random-frame.js";
import { DATA_FOLDER, openTopicsOn } from "./topics-on-disk.js";

/** Longer than any wait of a request, and than the retention of offsets. */
const EIGHT_DAYS_MS = 8 * 86_400_000;
const NO_MEMORY_LIMIT = {
  roomBytes: 1_000_000,
  reserve: () => undefined,
  room: () => Promise.resolve(),
  hold: () => () => undefined,
  take: Buffer.allocUnsafeSlow,
};

/** The frames of one run by their outcome. */
export interface FuzzCounts {
  readonly answered: number;
  readonly malformed: number;
  readonly closed: number;
}

/**
 * Serves `count` random frames by the broker's own dispatcher and handlers, over a disk in memory and without sockets.
 * Throws, naming the seed and the frames, when one fails unexpectedly, when a request is not answered once its client
 * has left and eight days have passed, when something of it is left then, or when a record of another topic is damaged.
 *
 * @param hugeBytes size of the frames that announce very many elements; one in 500 frames is such a frame.
 */
export async function fuzzBroker(
  seed: number,
  count: number,
  apis: readonly Api<Fields, Fields>[],
  hugeBytes: number,
): Promise<FuzzCounts> {
  const random = new SeededRandom(seed);
  const disk = new MemoryDisk(new SeededRandom(seed));
  disk.makeFolder(DATA_FOLDER);
  const clock = new SimClock();
  const faults: string[] = [];
  let label = "opening";
  const logger = {
    ...silentLogger,
    error: (text: string, _: LogFields = {}, cause?: unknown) =>
      void faults.push(`${label}: ${text}: ${(cause as Error)?.stack?.slice(0, 400)}`),
  };
  const properties = new BrokerProperties({
    "offsets.topic.num.partitions": "2",
    "transaction.state.log.num.partitions": "2",
  });
  const open = () => openBroker(disk, clock, random, logger, properties);
  const broker = await open();
  const { topics, groups, transactions } = broker;
  const create = (name: string, configs = {}) =>
    topics.create({ kind: "create", name, partitions: 2, replicationFactor: 1, configs });
  append((await create("kept")).logs[1]!, batchOf([{ key: "k", value: "kept" }]));
  const topicIds = [(await create("t")).id, (await create("compacted", { "cleanup.policy": "compact" })).id];
  const served = HANDLERS.map(({ key, versions }) => ({ api: apis.find((api) => api.key === key)!, versions }));
  const frames = new RandomFrames(random, served, topicIds);
  const dispatcher = new Dispatcher(broker, HANDLERS, undefined);
  const counts = { answered: 0, malformed: 0, closed: 0 };
  const parked = new Map<Promise<unknown>, string>();
  let clients = new AbortController();
  for (let at = 0; at < count && faults.length === 0; at++) {
    const { frame, ...drawn } = at % 500 === 499 ? frames.huge(hugeBytes) : frames.next();
    label = drawn.label;
    const connection = { ...CLIENT, closed: clients.signal } as ConnectionCall;
    try {
      const answer = dispatcher.dispatch(frame, connection);
      if (typeof answer === "symbol") counts.closed++;
      else counts.answered++;
      if (answer instanceof Promise) {
        parked.set(answer, drawn.label);
        const forget = () => parked.delete(answer);
        answer.then(forget, (cause: unknown) => void faults.push(`${drawn.label}: ${(cause as Error).stack}`));
      }
    } catch (cause) {
      if (cause instanceof MalformedError) counts.malformed++;
      else faults.push(`${drawn.label}: ${(cause as Error).stack}`);
    }
    if (at % 200 !== 199) continue;
    label = "time";
    await clock.advance(random.integer(10_000));
    await transactions.tend();
    for (const { groupId } of groups.list()) {
      const consumers = groups.consumerGroup(groupId)?.state.members.keys() ?? [];
      const classic = groups.describe(groupId)?.members.map(({ memberId }) => memberId) ?? [];
      frames.known.push(...[...classic, ...consumers].slice(0, 30 - frames.known.length));
    }
    if (random.integer(10) > 0) continue;
    clients.abort();
    clients = new AbortController();
    frames.known.length = 0;
  }
  label = "the end";
  clients.abort();
  await clock.advance(EIGHT_DAYS_MS);
  await transactions.tend();
  groups.expire();
  await transactions.close();
  if (parked.size > 0) faults.push(`not answered: ${[...parked.values()].slice(0, 5).join(", ")}`);
  const nowMs = clock.nowMs();
  for (const { groupId, state } of groups.list()) {
    // A client may ask for a longer retention (OffsetCommit v2 to v4).
    const isKept = [...groups.offsets.all(groupId)].some(({ expireTimestamp }) => expireTimestamp > nowMs);
    if (!isKept) faults.push(`the group ${groupId} is left, ${state}`);
  }
  groups.close();
  disk.kill();
  label = "the next start";
  const again = await open();
  for (const { name, logs } of again.topics.all()) {
    for (const log of logs) {
      const last = readAll(log).at(-1);
      if (name === "kept" && log === logs[1] && String(last?.value) !== "kept") faults.push("a record was damaged");
    }
  }
  if (!again.topics.get("kept")) faults.push("a topic is gone");
  again.groups.close();
  again.topics.abandon();
  if (faults.length > 0) throw new Error(`MILLRACE_SEED=${seed}\n${[...new Set(faults)].slice(0, 5).join("\n")}`);
  return counts;
}

const CLIENT: Omit<ConnectionCall, "closed"> = {
  session: new Session("PLAINTEXT", "PLAINTEXT", { user: ANONYMOUS }),
  clientHost: "/127.0.0.1",
  advertised: { host: "127.0.0.1", port: 9092 },
  memory: NO_MEMORY_LIMIT,
  mute: () => undefined,
};

/** The broker as `startBroker` composes it, without what needs sockets, threads or a real disk. */
async function openBroker(
  disk: MemoryDisk,
  clock: SimClock,
  random: SeededRandom,
  logger: typeof silentLogger,
  properties: BrokerProperties,
): Promise<Broker> {
  const { topics, state } = await openTopicsOn(disk, { random, clock, logger, properties });
  const freeSpace = new FreeSpace(() => 0, logger);
  const coordinators = await openCoordinators(topics, state, { clock, random, logger }, properties);
  return {
    nodeId: 1,
    topics,
    ...coordinators,
    properties,
    state,
    quotas: new ClientQuotas(() => state.metadata, properties, clock),
    certificates: new ListenerCertificates(properties, logger),
    freeSpace,
    diskSpace: () => disk.space(),
    authorizer: undefined,
    clock,
    logger,
    apis: HANDLERS,
  };
}
