import { expect, test } from "vitest";
import { KafkaChannel } from "../../../../../connectors/postgres/signals/kafka-channel.js";
import type { TopicMessage } from "../../../../../src/api/index.js";
import { silentLogger } from "../../../../../src/base/logger.js";

const message = (offset: number, key: string | null, value: string | null): TopicMessage => ({
  offset,
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
});

function channelOf(...messages: TopicMessage[]) {
  const warnings: unknown[] = [];
  const commits: number[] = [];
  const waits: number[] = [];
  const channel = new KafkaChannel({
    reader: {
      poll: async (waitMs) => {
        waits.push(waitMs);
        return messages.splice(0);
      },
      commit: async (offset) => void commits.push(offset),
      close: async () => {},
    },
    topic: "signals",
    key: "shop",
    pollTimeoutMs: 0,
    logger: { ...silentLogger, warn: (text, fields) => void warnings.push([text, fields]) },
  });
  return { channel, warnings, commits, waits };
}

test("delivers one message at a time, with the offset after it", async () => {
  const { channel, warnings, commits, waits } = channelOf(
    message(4, "shop", '{"id":"a","type":"log","data":{"message":"x"}}'),
    message(5, "other", '{"id":"b","type":"log","data":{}}'),
    message(6, null, "{}"),
    message(7, "shop", "secret"),
    message(8, "shop", null),
    message(9, "shop", '{"type":"log","data":"{\\"message\\":1}"}'),
  );
  expect(await channel.read()).toEqual({ signals: [{ id: "a", type: "log", data: '{"message":"x"}' }], place: 5 });
  for (const place of [6, 7, 8, 9]) expect(await channel.read()).toEqual({ signals: [], place });
  expect(await channel.read()).toEqual({ signals: [{ id: "", type: "log", data: '{"message":1}' }], place: 10 });
  expect(await channel.read()).toBeUndefined();
  expect(waits).toEqual([100, 100]);
  expect(warnings).toEqual([
    [
      expect.stringContaining("A signal was ignored: it is no JSON object such as {"),
      { channel: "kafka", topic: "signals", offset: 7 },
    ],
    [
      expect.stringContaining("A signal was ignored: it is no JSON object such as {"),
      { channel: "kafka", topic: "signals", offset: 8 },
    ],
  ]);
  expect(JSON.stringify(warnings)).not.toContain("secret");
  await channel.settle(10);
  expect(commits).toEqual([10]);
});
