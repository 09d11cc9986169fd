import { hostname } from "node:os";
import { type Clock, type Props, type Random, RetriableError } from "../api/index.js";
import { Closers } from "../base/closers.js";
import { holdProcess } from "../base/hold-process.js";
import { SystemHttpClient } from "../base/http-client.js";
import { LOGGERS } from "../base/log/logger-names.js";
import type { NamedLogger } from "../base/logger.js";
import { accessRules } from "../http/access/access-rules.js";
import { advertisedAddress, localUrl } from "../http/server/listener.js";
import { RestServer } from "../http/server/rest-server.js";
import { createKafkaClient } from "../kafka/create-kafka-client.js";
import { idleRegistryKeys, kafkaProperties, parseRegistryConfig, topicConfigs } from "../registry/registry-config.js";
import { SchemaRegistry } from "../registry/schema-registry.js";
import { buildCommit, packageVersion } from "./package-version.js";
import { restEndpoints, workerTls } from "./rest-endpoints.js";

export interface RegistryStackOptions {
  /** The registry's properties under Confluent's names. */
  readonly props: Props;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: NamedLogger;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The option that set the address, for the message when the address is taken. */
  readonly listenOption: string;
}

/** A schema registry that answers requests. */
export interface RunningRegistry {
  /** `http://127.0.0.1:8081` */
  readonly url: string;
  /** Rejects if the registry cannot go on. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** How long a starting registry looks for a broker before it gives up. */
const FIND_BROKER_MS = 15_000;

/**
 * Starts a schema registry: `millrace registry`, and `millrace up --registry`.
 *
 * @throws ConfigError for bad properties, ConflictError for an address in use, RetriableError when no broker answers.
 */
export async function startRegistryStack(options: RegistryStackOptions): Promise<RunningRegistry> {
  const { props, clock, random, env } = options;
  const logger = options.logger.named(LOGGERS.registry);
  const config = parseRegistryConfig(props);
  const idle = idleRegistryKeys(props);
  if (idle.length > 0) logger.warn("These properties of the schema registry have no effect", { keys: idle.join(", ") });
  const endpoints = restEndpoints({ listeners: config.listeners, "admin.listeners": null }, props);
  const access = accessRules(config, env);
  const opened = new Closers();
  try {
    const server = await RestServer.bind(endpoints.main, { property: options.listenOption, clock });
    opened.add("the schema registry's server", () => server.close());
    const client = createKafkaClient({
      properties: kafkaProperties(props, config),
      clock,
      random,
      logger: options.logger.named(LOGGERS.clients),
      onConnectivity: (waitingFor) => {
        if (waitingFor) logger.warn(waitingFor);
        else logger.info("Kafka answers again");
      },
    });
    opened.add("the Kafka client", () => client.close());
    await client.admin.connect(FIND_BROKER_MS).catch((cause: unknown) => {
      throw new RetriableError(
        "BROKER_UNREACHABLE",
        `No broker of kafkastore.bootstrap.servers=${config["kafkastore.bootstrap.servers"].join(",")} answered: start Kafka, or correct kafkastore.bootstrap.servers`,
        { cause },
      );
    });
    const advertised = {
      host: config["host.name"],
      port: config["host.port"],
      scheme: config["inter.instance.protocol"],
    };
    const registry = new SchemaRegistry({
      config,
      topicConfigs: topicConfigs(props),
      client,
      http: new SystemHttpClient(clock, () => workerTls(props)),
      access,
      address: addressOf(advertisedAddress(server.bound, advertised, hostname()).url),
      version: packageVersion(),
      commit: buildCommit(),
      clock,
      random,
      logger,
    });
    opened.add("the schema registry", () => registry.close());
    await registry.start();
    server.serve(registry.app);
    return {
      url: localUrl(server.bound),
      failed: registry.failed,
      async close() {
        const release = holdProcess();
        server.stopAccepting();
        try {
          await opened.close();
        } finally {
          release();
        }
      },
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function addressOf(text: string) {
  const { protocol, hostname: host, port } = new URL(text);
  const scheme = protocol.slice(0, -1);
  return { scheme, host: host.replace(/^\[|\]$/g, ""), port: Number(port || (scheme === "https" ? 443 : 80)) };
}
