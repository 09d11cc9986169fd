import { afterEach, beforeEach, expect } from "vitest";
import { type Deferred, deferred } from "../../src/base/deferred.js";
import { type LogFields, silentLogger } from "../../src/base/logger.js";
import type { Interception, Interceptor } from "../../src/broker/interceptor.js";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import { startTestBroker, type TestBroker } from "./broker.js";
import { clientOf, readAll } from "./export-run.js";

const AUTHORIZER = {
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
  "super.users": "User:ANONYMOUS",
};
const ANN = { name: "ann", mechanism: "SCRAM-SHA-256", password: "secret", iterations: 4096 } as const;

/** Two brokers, and a client of each. */
export interface ExportPair {
  readonly source: TestBroker;
  readonly target: TestBroker;
  readonly from: KafkaClient;
  to: KafkaClient;
  atSource: Interceptor;
  atTarget: Interceptor;
  /** Resolves once the source has compacted a log. */
  readonly compacted: Deferred<LogFields | undefined>;
}

/** The brokers of an export, new for each test of the file. */
export function useExportPair(): ExportPair {
  const pair = {} as { -readonly [Name in keyof ExportPair]: ExportPair[Name] };
  beforeEach(async () => {
    pair.compacted = deferred();
    pair.atSource = () => undefined;
    pair.atTarget = () => undefined;
    pair.source = await startTestBroker({
      properties: { ...AUTHORIZER, "log.cleaner.backoff.ms": "50", "millrace.segment.bytes.min": "100" },
      logger: {
        ...silentLogger,
        info: (message, fields) => {
          if (message === "Compacted a log") pair.compacted.resolve(fields);
        },
      },
      scramUsers: [ANN],
      interceptor: (request) => pair.atSource(request),
    });
    pair.target = await startTestBroker({
      properties: { ...AUTHORIZER, "millrace.segment.bytes.min": "100" },
      interceptor: (request) => pair.atTarget(request),
    });
    pair.from = clientOf(pair.source.bootstrap);
    pair.to = clientOf(pair.target.bootstrap);
  });
  afterEach(async () => {
    await pair.from?.close();
    await pair.to?.close();
    await pair.source?.close();
    await pair.target?.close();
  });
  return pair;
}

/** Intercepts the first request of an API. */
export function first(apiName: string, intercept: () => Interception): Interceptor {
  let isDone = false;
  return (request) => {
    if (isDone || request.apiName !== apiName) return undefined;
    isDone = true;
    return intercept();
  };
}

export async function create(
  client: KafkaClient,
  name: string,
  partitions = 1,
  configs: Record<string, string> = {},
): Promise<void> {
  expect(await client.admin.createTopics([{ name, partitions, replicationFactor: -1, configs }])).toEqual([{ name }]);
}

/** Deletes the records of a partition before `offset`. */
export function cut(client: KafkaClient, topic: string, partition: number, offset: number) {
  return client.admin.deleteRecords([{ topic, partition, offset }]);
}

/** The configs that are set on a topic. */
export async function configsOf(client: KafkaClient, topic: string) {
  const all = await client.admin.describeTopicConfigs(topic);
  return Object.fromEntries(
    [...all.values()].filter((each) => !each.isDefault).map(({ name, value }) => [name, value]),
  );
}

/** Expects the same records on both sides. Returns the offsets of both. */
export async function expectSame({ from, to }: ExportPair, topic: string, partition: number) {
  const [there, here] = [await readAll(to, topic, partition), await readAll(from, topic, partition)];
  expect(there.records).toEqual(here.records);
  return { source: here.offsets, target: there.offsets };
}
