import type { RequestListener } from "node:http";
import type { Clock, Logger, Random } from "../api/index.js";
import { deferred } from "../base/deferred.js";
import type { HttpClient } from "../base/http-client.js";
import type { AccessRules } from "../http/access/access-rules.js";
import type { KafkaClient } from "../kafka/client/kafka-client.js";
import { CompactedLog } from "../stores/compacted-log.js";
import { KafkaLogTransport, type LogTransport } from "../stores/log-transport.js";
import type { Identity } from "./leader/group-messages.js";
import { LeaderWrites } from "./leader/leader-writes.js";
import { Leadership } from "./leader/leadership.js";
import { TEXTS_7, TEXTS_8 } from "./operations/mode-texts.js";
import { ParsedSchemas } from "./operations/parsed-schemas.js";
import type { RegistryConfig } from "./registry-config.js";
import { ensureRegistryTopic } from "./registry-topic.js";
import { registryApp } from "./routes/registry-app.js";
import { forwardRequest } from "./server/forward-request.js";
import { RegistryFold } from "./state/registry-fold.js";

export interface SchemaRegistryOptions {
  readonly config: RegistryConfig;
  readonly topicConfigs: Readonly<Record<string, string>>;
  readonly client: KafkaClient;
  readonly http: HttpClient;
  readonly access: AccessRules;
  /** The address under which other registries reach this one. */
  readonly address: Pick<Identity, "scheme" | "host" | "port">;
  readonly version: string;
  readonly commit: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The release whose answers are given, as `/v1/metadata/version` names it. */
const RELEASES = { 7: "7.9.0", 8: "8.1.0" } as const;

/** A schema registry over one Kafka: a member of a group of registries, which share a topic. */
export class SchemaRegistry {
  readonly #log: CompactedLog;
  readonly #leadership: Leadership;
  readonly #failed = deferred<never>();
  /** Answers requests, as soon as `start` has resolved. */
  readonly app: RequestListener;

  constructor(private readonly options: SchemaRegistryOptions) {
    const { config, client, clock, random, logger } = options;
    const topic = config["kafkastore.topic"];
    const fold = new RegistryFold((record) => writes.restore(record));
    const transport: LogTransport = new KafkaLogTransport(client, topic, clock);
    this.#log = new CompactedLog({ topic, transport, clock, random, logger, fold });
    const leadership = new Leadership({
      groupId: config["schema.registry.group.id"],
      identity: { ...options.address, isEligible: config["leader.eligibility"] },
      isSticky: config["leader.election.sticky"],
      logger,
      join: (member, callbacks) => client.groupMember(member, callbacks),
      onFailed: this.#failed.reject,
    });
    this.#leadership = leadership;
    const place = () => leadership.place;
    const writes = new LeaderWrites({
      log: this.#log,
      place,
      logger,
      timeoutMs: config["kafkastore.timeout.ms"],
      catchUpMs: config["kafkastore.init.timeout.ms"],
    });
    this.app = this.#makeApp(fold, writes, place);
    // Whoever runs the registry awaits it.
    this.#failed.promise.catch(() => {});
  }

  /** Rejects when this registry cannot belong to its group. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Resolves once everything in the topic is known. @throws ConfigError for a topic that would lose schemas */
  async start(): Promise<void> {
    const { config, client, topicConfigs } = this.options;
    await ensureRegistryTopic(
      {
        name: config["kafkastore.topic"],
        replicationFactor: config["kafkastore.topic.replication.factor"],
        configs: topicConfigs,
        skipsValidation: config["kafkastore.topic.skip.validation"],
      },
      client.admin,
    );
    await this.#log.start();
    this.#leadership.start();
  }

  /** Leaves the group and stops reading. */
  async close(): Promise<void> {
    try {
      await this.#leadership.close();
    } finally {
      await this.#log.close();
    }
  }

  #makeApp(fold: RegistryFold, writes: LeaderWrites, place: () => Leadership["place"]): RequestListener {
    const { config, client, http, access, clock, logger, commit } = this.options;
    const { state } = fold;
    const forwarding = {
      http,
      timeoutMs: config["leader.read.timeout.ms"],
      headers: config["inter.instance.headers.whitelist"].map((name) => name.toLowerCase()),
      readToEnd: () => this.#log.readToEnd(config["kafkastore.timeout.ms"]),
    };
    return registryApp({
      access,
      clock,
      logger,
      context: {
        view: {
          state,
          schemas: new ParsedSchemas(state),
          defaultLevel: config.defaultLevel,
          texts: config.release < 8 ? TEXTS_7 : TEXTS_8,
          hasAvroType: config.release >= 8,
        },
        release: config.release,
        writes,
        place,
        forward: (request, leaderUrl, texts) => forwardRequest(forwarding, request, leaderUrl, texts),
        clusterId: () => client.admin.clusterId(),
        groupId: config["schema.registry.group.id"],
        isModeMutable: config["mode.mutability"],
        rejectsEmptySubject: config["schema.reject.empty.subject"],
        schemaLimits: { fallback: config["schema.search.default.limit"], most: config["schema.search.max.limit"] },
        version: RELEASES[config.release],
        commit,
        skipped: () => fold.skipped,
      },
    });
  }
}
