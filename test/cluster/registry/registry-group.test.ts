import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import { createKafkaClient } from "../../../src/kafka/create-kafka-client.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { LogLines } from "../../support/log-lines.js";
import { TestRegistry } from "../../support/registry-process.js";

let broker: TestBroker;
const log = new LogLines();
beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.close());

const record = (at: number) => ({ schema: `{"type":"record","name":"R${at}","fields":[]}` });

describe("several registries on one Kafka", () => {
  let registries: TestRegistry[];
  let urls: string[];
  beforeAll(async () => {
    const names = ["one", "two", "three"];
    registries = await Promise.all(names.map((name) => TestRegistry.start(broker.bootstrap, log, name)));
    urls = registries.map(({ url }) => url).sort();
    await Promise.all(registries.map((each) => each.follows(urls[0]!)));
  });
  afterAll(async () => {
    for (const each of registries) await each.close();
  });

  const at = (url: string) => registries.find((each) => each.url === url)!;

  test("have the one with the smallest URL as their leader, and what a follower registers is there at once", async () => {
    const follower = at(urls[1]!);
    expect(await follower.call("POST", "/subjects/s/versions", record(1))).toMatchObject({ status: 200 });
    expect((await follower.call("GET", "/subjects/s/versions")).text).toBe("[1]");
    const refused = await follower.call("PUT", "/config", { compatibility: "odd" });
    expect(refused).toMatchObject({ status: 422 });
    expect(refused.text).toMatch(/^\{"error_code":42203,"message":"Invalid compatibility level/);
  });

  test("give each id and version once, though their leader leaves amidst the registrations", async () => {
    const [first, second, third] = urls.map(at) as [TestRegistry, TestRegistry, TestRegistry];
    const from = log.lines.length;
    const answers: { id: number; version: number; name: number }[] = [];
    const someDone = deferred();
    const client = async (own: TestRegistry, start: number) => {
      for (let name = start; name < start + 40; name++) {
        for (;;) {
          // Each schema has a name of its own: only without a check do all of them get into one subject.
          const answer = await own.call("POST", "/subjects/many/versions?force=true", record(name));
          if (answer.status === 200) {
            answers.push({ ...(JSON.parse(answer.text) as { id: number; version: number }), name });
            if (answers.length === 20) someDone.resolve();
            break;
          }
          expect(answer.status, answer.text).toBe(500);
          expect(answer.text).toMatch(/"error_code":5000[1234]/);
          await third.call("GET", "/subjects");
        }
      }
    };
    const clients = [client(second, 1000), client(third, 2000), client(second, 3000)];
    await Promise.race([someDone.promise, Promise.all(clients)]);
    await Promise.all([first.close(), second.follows(second.url, from), ...clients]);
    registries = registries.filter((each) => each !== first);
    expect(answers).toHaveLength(120);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(120);
    const versions = answers.map(({ version }) => version).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
    await third.call("PUT", "/config", { compatibility: "NONE" });
    expect((await second.call("GET", "/subjects/many/versions")).text).toBe(JSON.stringify(versions));
    for (const { id, name } of answers.slice(0, 10)) {
      expect((await third.call("GET", `/schemas/ids/${id}/schema`)).text).toBe(record(name).schema);
    }
  });
});

describe("a registry", () => {
  test("that may not lead leaves writes without a leader", async () => {
    const props = { "schema.registry.group.id": "eligibility", "leader.eligibility": "false" };
    const registry = await TestRegistry.start(broker.bootstrap, log, "humble", props);
    await registry.follows("(none)");
    expect((await registry.call("POST", "/subjects/x/versions", record(9999))).text).toBe(
      '{"error_code":50004,"message":"Leader not known."}',
    );
    expect((await registry.call("GET", "/subjects")).status).toBe(200);
    await registry.close();
  });

  test("that advertises another one's address ends, and says why", async () => {
    const props = { "schema.registry.group.id": "twins", "host.name": "h", "host.port": "1" };
    const one = await TestRegistry.start(broker.bootstrap, log, "twin-1", props);
    const other = await TestRegistry.start(broker.bootstrap, log, "twin-2", props);
    await expect(Promise.race([one.running.failed, other.running.failed])).rejects.toThrow(
      "advertise one URL, perhaps this one's, http://h:1: give each a unique address with listeners, host.name and host.port",
    );
    await one.close();
    await other.close();
  });

  test.each([
    [2, "compact", "The schema topic bad-1 should have only 1 partition but has 2"],
    [
      1,
      "delete",
      "The retention policy of the schema topic bad-2 is incorrect. Expected cleanup.policy to be 'compact' but it is delete",
    ],
  ])("does not start on a topic of %i partitions with the policy %s", async (partitions, policy, message) => {
    const name = partitions === 2 ? "bad-1" : "bad-2";
    const client = createKafkaClient({
      properties: { "bootstrap.servers": broker.bootstrap },
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: silentLogger,
    });
    const configs = { "cleanup.policy": policy };
    await client.admin.createTopics([{ name, partitions, replicationFactor: 1, configs }]);
    await client.close();
    const started = TestRegistry.start(broker.bootstrap, log, name, { "kafkastore.topic": name });
    await expect(started).rejects.toThrow(message);
  });
});
