import { deferred } from "../../../src/base/deferred.js";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { ConfigValidator } from "../../../src/herder/config/config-validator.js";
import { DistributedHerder, type DistributedHerderOptions } from "../../../src/herder/distributed-herder.js";
import { HerderLoop } from "../../../src/herder/herder-loop.js";
import type { ConnectProtocol } from "../../../src/herder/membership/group-messages.js";
import { signBody } from "../../../src/herder/membership/session-keys.js";
import { MisdirectedError } from "../../../src/herder/misdirected-error.js";
import type { GroupMemberCallbacks } from "../../../src/kafka/client/group-member.js";
import type { KafkaClient } from "../../../src/kafka/client/kafka-client.js";
import { connectionConfig } from "../../../src/kafka/client-properties.js";
import { createClientOver } from "../../../src/kafka/create-kafka-client.js";
import type { Transport, Wire } from "../../../src/kafka/transport/transport.js";
import type { OpenLog } from "../../../src/stores/compacted-log.js";
import { CompactedLog } from "../../../src/stores/compacted-log.js";
import { ConfigStore } from "../../../src/stores/config-store.js";
import type { LogTransport, StoreRecord } from "../../../src/stores/log-transport.js";
import { OffsetStore } from "../../../src/stores/offset-store.js";
import { StatusStore } from "../../../src/stores/status-store.js";
import type { BrokerLink } from "./broker-link.js";
import type { PlantedBug } from "./planted-bugs.js";
import { ProcessClock } from "./process-clock.js";
import { type SimTopic, SimTopicTransport, type TopicClient, type Trouble } from "./sim-topic.js";
import { type Outside, SimWorker } from "./sim-worker.js";

/** A simulated group, as one of its processes needs it. */
export interface ProcessHome {
  readonly clock: ConstructorParameters<typeof ProcessClock>[0];
  readonly topics: { readonly config: SimTopic; readonly status: SimTopic; readonly offset: SimTopic };
  readonly protocol: ConnectProtocol;
  readonly maxRebalanceDelayMs: number;
  readonly bug: PlantedBug | undefined;
  readonly trouble: Trouble;
  latencyMs(): number;
  /** Whether the next task to start fails. */
  failing(): boolean;
  /** The present task configs of a connector. */
  taskConfigs: Outside["taskConfigs"];
  /** The process's connectors and tasks have changed. */
  ran(process: SimProcess): void;
  /** The process sends records of the leader without being the leader. */
  usurped(process: SimProcess, keys: readonly string[]): void;
  /** Something has happened in or to a process. */
  note(line: string): void;
  /** The process that listens at a URL. */
  at(url: string): SimProcess | undefined;
}

const LEADERS_KEYS = /^(connector|task|commit|session-key|restart-connector)(-|$)/;
const REQUEST_TIMEOUT_MS = 90_000;
const CONNECTION = connectionConfig({ "bootstrap.servers": "node:1000" });

/** One worker process of a simulated group: everything of the control plane is real, only its surroundings are not. */
export class SimProcess {
  readonly clock: ProcessClock;
  readonly workerId: string;
  readonly url: string;
  readonly loop: HerderLoop;
  readonly herder: DistributedHerder;
  /** What runs here, with its props. */
  readonly running = new Map<string, Readonly<Record<string, string>>>();
  worker: SimWorker | undefined;
  isLoaded = false;
  isClosing = false;
  /** The group has made it the leader, and it takes part in no other round. */
  #leads = false;
  readonly #wires = new Set<Wire>();
  readonly #lastWishes: (() => void)[] = [];
  readonly #random: SeededRandom;

  constructor(
    readonly home: ProcessHome,
    readonly node: number,
    private readonly link: BrokerLink,
    seed: number,
  ) {
    this.#random = new SeededRandom(seed);
    this.clock = new ProcessClock(home.clock);
    this.workerId = `w${node}:8083`;
    this.url = `http://${this.workerId}/`;
    this.loop = this.#makeLoop();
    const options: DistributedHerderOptions = {
      loop: this.loop,
      version: "1.0",
      url: this.url,
      protocol: "sessioned",
      signatureAlgorithms: ["HmacSHA256"],
      validator: () => ({ validate: () => this.#validate() }) as unknown as ConfigValidator,
      clusterId: async () => "sim",
      providers: new Map(),
      levels: new LogLevels("off"),
      clock: this.clock,
      fencesSources: false,
      sinkOffsets: { list: async () => [] } as unknown as DistributedHerderOptions["sinkOffsets"],
    };
    this.herder = home.bug?.herder?.(options) ?? new DistributedHerder(options);
  }

  start(): void {
    this.loop.start().then(
      () => {
        this.isLoaded = true;
      },
      () => this.crash(), // as main does; the history starts it again
    );
  }

  /** `kill -9` */
  crash(): void {
    this.clock.kill();
    this.worker?.crash();
    for (const wire of this.#wires) wire.close();
    for (const step of this.#lastWishes) step();
  }

  /** SIGTERM */
  stop(): void {
    this.isClosing = true;
    void this.loop.close().then(() => this.crash());
  }

  /** A request of a client, forwarded as by REST. @throws what REST would answer as an error */
  async request<T>(ask: (herder: DistributedHerder) => Promise<T>): Promise<T> {
    let at: SimProcess | undefined = this;
    for (let hops = 0; hops < 3; hops++) {
      await this.home.clock.delay(this.home.latencyMs());
      if (!at || at.clock.isDead || !at.isLoaded) throw new Error("no worker answers");
      try {
        return await at.#answer(ask);
      } catch (error) {
        if (!(error instanceof MisdirectedError) || error.url === undefined) throw error;
        at = this.home.at(error.url);
      }
    }
    throw new Error("409: misdirected twice");
  }

  /** @throws when the process dies, or does not answer in time */
  async #answer<T>(ask: (herder: DistributedHerder) => Promise<T>): Promise<T> {
    const lost = deferred<never>();
    this.#lastWishes.push(() => lost.reject(new Error("the connection was reset")));
    const timer = this.home.clock.schedule(REQUEST_TIMEOUT_MS, () => lost.reject(new Error("no answer in time")));
    try {
      return await Promise.race([this.clock.hears(ask(this.herder)), lost.promise]);
    } finally {
      timer.cancel();
    }
  }

  #makeLoop(): HerderLoop {
    const { home, clock, workerId, url } = this;
    const random = this.#random;
    const logger = silentLogger;
    return new HerderLoop(
      {
        workerId,
        url,
        protocol: home.protocol,
        syncTimeoutMs: 3_000,
        maxRebalanceDelayMs: home.maxRebalanceDelayMs,
        tracksTopics: false,
        sessionKeyKind: { algorithm: "HmacSHA256" },
        sessionKeyTtlMs: 3_600_000,
        providers: new Map(),
        clock,
        random,
        logger,
      },
      {
        openStores: async (listeners) => ({
          config: this.#configStore(this.#openLog(home.topics.config), listeners.config),
          offset: new OffsetStore(this.#openLog(home.topics.offset)),
          status: new StatusStore(this.#openLog(home.topics.status), listeners.status, clock, random, logger),
        }),
        createWorker: async (listener, offsets, _redactions, fencing) => {
          await clock.delay(random.integer(1_000));
          const failing = () => home.failing();
          this.worker = new SimWorker(listener, this.#outside(), clock, random, failing, offsets, fencing);
          return this.worker;
        },
        joinGroup: (callbacks, protocols) => {
          const offered = home.bug?.protocols?.(protocols) ?? protocols;
          return this.#client().groupMember(
            {
              groupId: "g",
              protocolType: "connect",
              protocols: offered,
              sessionTimeoutMs: 10_000,
              rebalanceTimeoutMs: 60_000,
              heartbeatIntervalMs: 3_000,
              coordinatorTimeoutMs: 3_000,
            },
            this.#watched(callbacks),
          );
        },
        putFence: async () => {},
        fenceProducers: async () => {},
        postTaskConfigs: (leaderUrl, connector, taskConfigs, configOffset) => {
          const body = Buffer.from(JSON.stringify(taskConfigs));
          const { sessionKey } = this.loop.configs();
          const signature = sessionKey && signBody(sessionKey, "HmacSHA256", body);
          const leader = home.at(leaderUrl);
          return clock.hears(
            leader
              ? leader.request((herder) =>
                  herder.publishTaskConfigs(connector, taskConfigs, body, signature, configOffset),
                )
              : Promise.reject(new Error("the leader does not answer")),
          );
        },
        onLoggerLevel() {},
      },
    );
  }

  async #validate() {
    await this.clock.delay(this.#random.integer(50));
    return { error_count: 0, configs: [] };
  }

  #configStore(openLog: OpenLog, listener: ConstructorParameters<typeof ConfigStore>[1]): ConfigStore {
    return this.home.bug?.configStore?.(openLog, listener) ?? new ConfigStore(openLog, listener);
  }

  #openLog(topic: SimTopic): OpenLog {
    const { home, clock } = this;
    const client: TopicClient = {
      clock,
      link: this.link,
      random: this.#random,
      trouble: home.trouble,
      latencyMs: () => home.latencyMs(),
      onDeath: (step) => void this.#lastWishes.push(step),
      isAstray: () => this.isExcused,
      sending: (name, records) => this.#judgeSend(name, records),
    };
    const transport: LogTransport = new SimTopicTransport(topic, client);
    const options = { topic: topic.name, transport, clock, random: this.#random, logger: silentLogger };
    return (fold) => home.bug?.log?.({ ...options, fold }) ?? new CompactedLog({ ...options, fold });
  }

  /** It is frozen, or was until a moment ago: it cannot know yet what has happened meanwhile. */
  get isExcused(): boolean {
    return !this.clock.isRunning || this.clock.monotonicMs() < this.clock.thawedAtMs + 1_000;
  }

  #judgeSend(topic: string, records: readonly StoreRecord[]): void {
    if (topic !== "config" || this.#leads || this.isExcused) return;
    const keys = records.map(({ key }) => String(key)).filter((key) => LEADERS_KEYS.test(key));
    if (keys.length > 0) this.home.usurped(this, keys);
  }

  #outside(): Outside {
    return {
      taskConfigs: (connector, props) => this.home.taskConfigs(connector, props),
      started: (subject, props) => {
        this.home.note(`w${this.node} starts ${subject} ${props["set"] ?? ""}`);
        this.running.set(subject, props);
        this.home.ran(this);
      },
      ended: (subject) => {
        this.home.note(`w${this.node} has ended ${subject}`);
        this.running.delete(subject);
      },
    };
  }

  #watched(callbacks: GroupMemberCallbacks): GroupMemberCallbacks {
    return {
      assign: (input) => callbacks.assign(input),
      onPrepare: async () => {
        await callbacks.onPrepare();
        this.home.note(`w${this.node} has prepared`);
        this.#leads = false;
      },
      onAssigned: (assignment) => {
        this.#leads = assignment.isLeader;
        const { generationId, isLeader } = assignment;
        this.home.note(`w${this.node} takes a place in generation ${generationId}${isLeader ? " as the leader" : ""}`);
        return callbacks.onAssigned(assignment);
      },
      onLost: (error, leftMs) => {
        this.#leads = false;
        this.home.note(`w${this.node} is lost: ${error.message}, ${leftMs} ms left`);
        return callbacks.onLost(error, leftMs);
      },
    };
  }

  #client(): KafkaClient {
    const properties = { "bootstrap.servers": "node:1000" };
    return createClientOver(this.#transport(), CONNECTION, {
      properties,
      clock: this.clock,
      random: this.#random,
      logger: silentLogger,
    });
  }

  #transport(): Transport {
    const { clock, link } = this;
    return {
      connect: async (address) => {
        const inner = await clock.hears(link.connect(address));
        this.#wires.add(inner);
        return {
          versions: inner.versions,
          get isOpen() {
            return inner.isOpen;
          },
          exchange: (...request) => clock.hears(inner.exchange(...request)),
          post: (...request) => inner.post(...request),
          retire: () => inner.retire(),
          close: () => inner.close(),
        };
      },
    };
  }
}
