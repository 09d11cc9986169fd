import { readFileSync } from "node:fs";
import { alterClientQuotas } from "../../src/protocol/apis/alter-client-quotas.js";
import { describeClientQuotas } from "../../src/protocol/apis/describe-client-quotas.js";
import type { BrokerClient } from "./broker-client.js";

type Entity = readonly (readonly [type: string, name: string | null])[];
type Operations = readonly (readonly [key: string, value: number | null])[];
type Filter = readonly (readonly [type: string, matchType: number, match: string | null])[];

const RATE = "producer_byte_rate";
const CONNECTIONS = "connection_creation_rate";
const ANN: Entity = [["user", "ann"]];
const ZOE: Entity = [["user", "zoe"]];
const ADDRESS: Entity = [["ip", "1.2.3.4"]];

const ALTERATIONS: readonly (readonly [Entity, Operations])[] = [
  [[], [[RATE, 1]]],
  [
    [
      ["user", "a"],
      ["user", "b"],
    ],
    [[RATE, 1]],
  ],
  [[["foo", "a"]], [[RATE, 1]]],
  [[["user", ""]], [[RATE, 1]]],
  [[...ANN, ...ADDRESS], [[RATE, 1]]],
  [ADDRESS, [[RATE, 1]]],
  [ADDRESS, [[CONNECTIONS, 1.5]]],
  [ADDRESS, [[CONNECTIONS, 3e9]]],
  [ADDRESS, [[CONNECTIONS, 5]]],
  [[["ip", "no-host.invalid"]], [[CONNECTIONS, 5]]],
  [[["ip", null]], [[CONNECTIONS, 7]]],
  [ANN, [["foo", 1]]],
  [ANN, [[RATE, 0]]],
  [ANN, [[RATE, -1]]],
  [ANN, [[RATE, 1.5]]],
  [ANN, [[RATE, 1.000_000_1]]],
  [ANN, [[RATE, 1e19]]],
  [ZOE, [["request_percentage", 0.5]]],
  [ZOE, [["controller_mutation_rate", 0.5]]],
  [
    ZOE,
    [
      ["request_percentage", null],
      ["controller_mutation_rate", null],
    ],
  ],
  [ANN, [[CONNECTIONS, 5]]],
  [
    ANN,
    [
      [RATE, 10],
      [RATE, 20],
    ],
  ],
  [
    ANN,
    [
      [RATE, 10],
      [RATE, null],
    ],
  ],
  [ANN, [["foo", null]]],
  [ANN, [["consumer_byte_rate", null]]],
  [ANN, []],
  [
    ANN,
    [
      [RATE, 30],
      ["foo", 1],
    ],
  ],
  [
    [
      ["user", "bob"],
      ["client-id", null],
    ],
    [
      [RATE, 12],
      ["consumer_byte_rate", 9],
    ],
  ],
  [
    [
      ["client-id", "x"],
      ["user", null],
    ],
    [[RATE, 13]],
  ],
  [[["client-id", "x"]], [[RATE, 1e10]]],
  [[["user", null]], [[RATE, 14]]],
];

const FILTERS: readonly (readonly [Filter, boolean])[] = [
  [[], false],
  [[], true],
  [[["user", 0, "bob"]], false],
  [[["user", 0, "bob"]], true],
  [[["user", 1, null]], false],
  [[["user", 1, null]], true],
  [[["user", 2, null]], true],
  [
    [
      ["user", 2, null],
      ["client-id", 2, null],
    ],
    true,
  ],
  [[["ip", 2, null]], false],
  [
    [
      ["ip", 2, null],
      ["user", 2, null],
    ],
    false,
  ],
  [
    [
      ["ip", 2, null],
      ["ip", 0, "x"],
    ],
    false,
  ],
  [[["", 2, null]], false],
  [[["foo", 2, null]], false],
  [[["user", 0, null]], false],
  [[["user", 1, "x"]], false],
  [[["user", 2, "x"]], false],
  [[["user", 3, null]], false],
];

/** The answers of Apache Kafka 4.3.1 to `quotaStory`: test/external/client-quotas.test.ts holds Kafka to them. */
export const KAFKA_QUOTA_ANSWERS = JSON.parse(
  readFileSync(new URL("client-quota-answers.json", import.meta.url), "utf8"),
) as Readonly<Record<string, unknown>>;

/**
 * Alters quotas, with every fault that Kafka finds, and describes them by every kind of filter.
 *
 * @param settled resolves once the alterations are in effect.
 * @returns the answers, by request.
 */
export async function quotaStory(client: BrokerClient, settled: () => Promise<void>): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  for (const [entity, operations] of ALTERATIONS) {
    const entries = [
      {
        entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
        ops: operations.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
      },
    ];
    const answer = await client.request(alterClientQuotas, 1, { validateOnly: false, entries });
    const { errorCode, errorMessage } = answer.entries[0]!;
    answers[`alter ${JSON.stringify([entity, operations])}`] = { errorCode, errorMessage };
  }
  await settled();
  for (const [filter, strict] of FILTERS) {
    const components = filter.map(([entityType, matchType, match]) => ({ entityType, matchType, match }));
    const { errorCode, errorMessage, entries } = await client.request(describeClientQuotas, 1, { components, strict });
    const found = entries?.map(({ entity, values }) => ({
      entity: inOrder(entity.map((each) => [each.entityType, each.entityName])),
      values: inOrder(values.map(({ key, value }) => [key, value])),
    }));
    const order = (each: unknown) => JSON.stringify(each);
    const sorted = found?.sort((a, b) => (order(a) < order(b) ? -1 : 1)) ?? null;
    answers[`describe ${JSON.stringify(filter)}${strict ? " strictly" : ""}`] = {
      errorCode,
      errorMessage,
      entries: sorted,
    };
  }
  return answers;
}

function inOrder(entries: [string, unknown][]): Record<string, unknown> {
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
