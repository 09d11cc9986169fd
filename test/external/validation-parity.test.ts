import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConfigKeyInfo } from "../../src/contract/config-infos.js";
import type { PluginInfo } from "../../src/contract/plugin-info.js";
import type { ErrorBody } from "../../src/contract/rest-api.js";
import { type RestAnswer, RestClient } from "../support/rest-client.js";
import { OurWorker } from "./our-worker.js";
import { findPeers, Peers } from "./peers.js";
import {
  OWN_KEYS,
  transformationCases,
  VALIDATION_CASES,
  type ValidationCase,
  validationDifferences,
} from "./validation-cases.js";

const { script, missing } = findPeers();
const JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter";

describe.skipIf(missing)("validation by the real Kafka Connect and by ours", () => {
  let peers: Peers;
  let ours: OurWorker;
  let real: RestClient;
  let shared: ReadonlySet<string>;

  beforeAll(async () => {
    peers = await Peers.prepare(script);
    await peers.startKafka();
    await peers.startConnect();
    real = new RestClient(peers.connectUrl);
    const converters = { "key.converter": JSON_CONVERTER, "value.converter": JSON_CONVERTER };
    ours = await OurWorker.start(peers.bootstrap, { ...converters, "group.id": "connect-cluster" });
    const classes = async (rest: RestClient) => {
      const { body } = await rest.get("/connector-plugins?connectorsOnly=false");
      return (body as PluginInfo[]).map((plugin) => plugin.class);
    };
    const theirs = await classes(real);
    shared = new Set((await classes(ours.rest)).filter((name) => theirs.includes(name)));
  });
  afterAll(async () => {
    await ours?.stop();
    await peers?.stop();
  });

  const compare = async ({ config, differs }: ValidationCase) => {
    const path = `/connector-plugins/${config["connector.class"]}/config/validate`;
    const [theirs, answer] = await Promise.all([real.put(path, config), ours.rest.put(path, config)]);
    expect.soft(validationDifferences(theirs, answer, shared), JSON.stringify(config)).toEqual(differs);
  };

  test.each(VALIDATION_CASES.map((each) => [JSON.stringify(each.config), each] as const))("%s", async (_, each) =>
    compare(each),
  );

  test("every transformation without its keys", async () => {
    for (const each of transformationCases(shared)) await compare(each);
  });

  test("the definition of Debezium's keys for Postgres", async () => {
    const path = "/connector-plugins/io.debezium.connector.postgresql.PostgresConnector/config";
    const [theirs, mine] = await Promise.all([real.get(path), ours.rest.get(path)]);
    const own = new Map((mine.body as ConfigKeyInfo[]).map((key) => [key.name, key]));
    const shown = ({ documentation: _, ...key }: ConfigKeyInfo) => JSON.stringify(Object.entries(key).sort());
    const differs = (theirs.body as ConfigKeyInfo[]).flatMap((key) => {
      const found = own.get(key.name);
      return found && shown(found) !== shown(key) ? [key.name] : [];
    });
    // Ours has no other plug-in.
    expect(differs).toEqual(["plugin.name"]);
  });

  test("the keys of every plugin, and the refusals", async () => {
    const paths = [...shared].filter((name) => !name.startsWith("io.debezium"));
    const questions = ["", "?version=latest", "?version=9", "?version=[1", "?version=[4,5)", "?version="].flatMap(
      (query) =>
        ["FileStreamSource", "JsonConverter", "org.apache.kafka.connect.transforms.Filter", "Nope"].map((name) => ({
          name,
          query,
        })),
    );
    for (const { name, query } of [...paths.map((path) => ({ name: path, query: "" })), ...questions]) {
      const path = `/connector-plugins/${encodeURIComponent(name)}/config${query.replaceAll("[", "%5B")}`;
      const [theirs, mine] = await Promise.all([real.get(path), ours.rest.get(path)]);
      expect(keyAnswer(mine), path).toEqual(keyAnswer(theirs));
    }
  });
});

/** The keys without their documentation, or the refusal. */
function keyAnswer({ status, body }: RestAnswer): unknown {
  if (status !== 200) return { status, message: (body as ErrorBody).message.replace("[4.3.1, 4.3.1]", "[4.3.1]") };
  return (body as ConfigKeyInfo[]).filter(({ name }) => !OWN_KEYS.has(name)).map(({ documentation: _, ...key }) => key);
}
