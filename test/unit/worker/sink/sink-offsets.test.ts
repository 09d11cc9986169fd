import { describe, expect, test } from "vitest";
import type { KafkaClient } from "../../../../src/kafka/client/kafka-client.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";
import { alterSinkOffsets, resetSinkOffsets, sinkOffsets } from "../../../../src/worker/sink/sink-offsets.js";

describe("the committed offsets of a sink", () => {
  const worker = { "bootstrap.servers": "home:1", "consumer.sasl.mechanism": "PLAIN" };
  const committed = [{ topic: "t", partition: 0, offset: 7 }];

  async function ask(connector: Record<string, string>, answer = Promise.resolve(committed), from = worker) {
    const asked: unknown[] = [];
    const createClient = (properties: Readonly<Record<string, string>>) =>
      ({
        admin: {
          listGroupOffsets: (group: string) => {
            asked.push(group, properties["bootstrap.servers"], properties["sasl.mechanism"]);
            return answer;
          },
        },
        close: async () => void asked.push("closed"),
      }) as unknown as KafkaClient;
    const offsets = await sinkOffsets({ worker: from, connector, name: "s", createClient }).catch(
      (error: Error) => error.message,
    );
    return { asked, offsets };
  }

  test("are read for its own group, with the consumer's settings", async () => {
    expect(await ask({})).toEqual({ asked: ["connect-s", "home:1", "PLAIN", "closed"], offsets: committed });
  });

  test("are read from the cluster in its overrides", async () => {
    const overrides = {
      "consumer.override.group.id": "g",
      "consumer.override.bootstrap.servers": "away:2",
      "consumer.override.sasl.mechanism": "SCRAM-SHA-512",
      "admin.override.bootstrap.servers": "elsewhere:3",
    };
    expect((await ask(overrides)).asked).toEqual(["g", "away:2", "SCRAM-SHA-512", "closed"]);
    const { asked } = await ask({}, undefined, { ...worker, "consumer.group.id": "shared" } as typeof worker);
    expect(asked[0]).toBe("shared");
  });

  test("leave no client behind when they cannot be read", async () => {
    expect(await ask({}, Promise.reject(new Error("no broker")))).toMatchObject({
      asked: ["connect-s", "home:1", "PLAIN", "closed"],
      offsets: "no broker",
    });
  });
});

describe("offsets of a sink's group", () => {
  const { signal } = new AbortController();
  const T0 = { topic: "t", partition: 0 };

  function rig(fail: { readonly [call: string]: KafkaError } = {}) {
    const calls: unknown[] = [];
    const call =
      (name: string, answer?: unknown) =>
      async (...args: unknown[]) => {
        calls.push([name, ...args.filter((arg) => arg !== signal)]);
        if (fail[name]) throw fail[name];
        return answer;
      };
    const topics = new Map([["t", { partitions: [{ partition: 0 }, { partition: 1 }] }]]);
    const admin = {
      describeTopics: call("describe", { topics, missing: [] }),
      listGroupOffsets: call("list", [{ ...T0, offset: 7 }]),
      alterGroupOffsets: call("alter"),
      deleteGroupOffsets: call("delete"),
      deleteGroup: call("delete group"),
    };
    const createClient = () => ({ admin, close: call("close") }) as unknown as KafkaClient;
    const owner = { worker: {}, connector: {}, name: "s", createClient };
    const judge = async (offsets: readonly object[]) => {
      calls.push(["judge", offsets]);
      return true;
    };
    return {
      calls,
      alter: (offsets: Parameters<typeof alterSinkOffsets>[1]) => alterSinkOffsets(owner, offsets, judge, signal),
      reset: () => resetSinkOffsets(owner, judge, signal),
    };
  }
  const kafka = (name: "NON_EMPTY_GROUP" | "UNKNOWN_MEMBER_ID" | "GROUP_ID_NOT_FOUND" | "GROUP_AUTHORIZATION_FAILED") =>
    new KafkaError(name, "Asking");
  const zombies = (verb: string) =>
    `Failed to ${verb} consumer group offsets for connector s either because its tasks haven't stopped completely yet or the connector was resumed before the request to ${verb} its offsets could be successfully completed. If the connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of the zombie sink tasks.`;

  test("are set and deleted after the connector has judged them", async () => {
    const { calls, alter } = rig();
    const [set, deleted] = [
      { ...T0, offset: 3 },
      { topic: "t", partition: 1, offset: null },
    ];
    expect(await alter([set, deleted])).toBe(true);
    expect(calls).toEqual([
      ["describe", ["t"]],
      ["judge", [set, deleted]],
      ["alter", "connect-s", [set]],
      ["delete", "connect-s", [deleted]],
      ["close"],
    ]);
  });

  test("of a partition that does not exist are refused, and nothing is altered", async () => {
    const { calls, alter } = rig();
    await expect(
      alter([
        { ...T0, offset: 3 },
        { topic: "t", partition: 2, offset: 3 },
      ]),
    ).rejects.toMatchObject({
      code: "OFFSET_INVALID",
      message:
        "Failed to alter consumer group offsets for connector s: topic t has no partition 2. No offset was altered",
    });
    expect(calls).toEqual([["describe", ["t"]], ["close"]]);
  });

  test("are deleted with the group", async () => {
    const { calls, reset } = rig();
    expect(await reset()).toBe(true);
    expect(calls).toEqual([
      ["list", "connect-s"],
      ["judge", [{ ...T0, offset: null }]],
      ["delete group", "connect-s"],
      ["close"],
    ]);
  });

  test("of a group that does not exist are deleted already", async () => {
    const fail = { delete: kafka("GROUP_ID_NOT_FOUND"), "delete group": kafka("GROUP_ID_NOT_FOUND") };
    expect(await rig(fail).alter([{ ...T0, offset: null }])).toBe(true);
    expect(await rig(fail).reset()).toBe(true);
  });

  test("are refused while the group has members, as zombies", async () => {
    const alter = rig({ alter: kafka("UNKNOWN_MEMBER_ID") }).alter([{ ...T0, offset: 3 }]);
    await expect(alter).rejects.toMatchObject({ code: "OFFSETS_IN_USE", message: zombies("alter") });
    const reset = rig({ "delete group": kafka("NON_EMPTY_GROUP") }).reset();
    await expect(reset).rejects.toMatchObject({ code: "OFFSETS_IN_USE", message: zombies("reset") });
  });

  test("fail with Kafka's reason", async () => {
    const { calls, alter } = rig({ alter: kafka("GROUP_AUTHORIZATION_FAILED") });
    await expect(alter([{ ...T0, offset: 3 }])).rejects.toThrow(
      /^Failed to alter consumer group offsets for connector s: Asking: .*GROUP_AUTHORIZATION_FAILED/,
    );
    expect(calls.at(-1)).toEqual(["close"]);
  });
});
