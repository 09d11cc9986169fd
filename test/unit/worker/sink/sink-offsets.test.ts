import { describe, expect, test } from "vitest";
import type { KafkaClient } from "../../../../src/kafka/kafka-client.js";
import { sinkOffsets } from "../../../../src/worker/sink/sink-offsets.js";

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
    const offsets = await sinkOffsets(from, connector, "s", createClient).catch((error: Error) => error.message);
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
