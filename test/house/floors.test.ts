import { describe, expect, test } from "vitest";
import { climbs, crowdedFolders, cycles, roomFaults, straySleeps, strayTime } from "./floors.js";
import { sources } from "./sources.js";

describe("the house as it stands", () => {
  const files = sources("src", "connectors");

  test("was read", () => {
    expect(files.size).toBeGreaterThan(50);
  });

  test("has no import against the layers", () => {
    expect(climbs(files)).toEqual([]);
  });

  test("has a table of folders in which each row names rows above it, and no unused row", () => {
    expect(roomFaults(files)).toEqual([]);
  });

  test("has no folder of more than 16 files of different kinds", () => {
    expect(crowdedFolders(files, 16)).toEqual([]);
  });

  test("has no import cycle, type imports included", () => {
    expect(cycles(files)).toEqual([]);
  });

  test("takes time and chance from base only", () => {
    expect(strayTime(files)).toEqual([]);
  });

  test("has unit tests that await events, and neither sleep nor count turns", () => {
    expect(straySleeps(sources("test/unit"))).toEqual([]);
  });
});

describe("the floors test", () => {
  const house = (files: Record<string, string>) => new Map(Object.entries(files));

  test("names an import against the layers, type imports too", () => {
    expect(climbs(house({ "src/stores/a.ts": 'import type { W } from "../worker/worker.js";' }))).toEqual([
      "src/stores/a.ts imports src/worker/worker.ts: src/stores may not import src/worker",
    ]);
    expect(climbs(house({ "src/api/a.ts": 'const b = await import("../base/clock.js");' }))).toHaveLength(1);
    expect(climbs(house({ "src/rest/a.ts": 'export * from "../main.js";' }))).toHaveLength(1);
  });

  test("allows imports downwards, and composition to import everything in src but no connector", () => {
    expect(
      climbs(
        house({
          "src/worker/a.ts": 'import { b } from "../api/index.js";\nimport { c } from "./c.js";',
          "src/main.ts": 'import { b } from "./herder/b.js";',
          "src/rest/a.ts": 'import { b } from "../contract/rest-api.js";',
        }),
      ),
    ).toEqual([]);
    expect(climbs(house({ "src/main.ts": 'import p from "../connectors/s3/index.js";' }))).toHaveLength(1);
    expect(climbs(house({ "src/cli/a.ts": 'import { b } from "../rest/routes.js";' }))).toHaveLength(1);
  });

  test("names an import from one folder into another that is not in its row", () => {
    expect(climbs(house({ "src/worker/source/a.ts": 'import { b } from "../sink/b.js";' }))).toEqual([
      "src/worker/source/a.ts imports src/worker/sink/b.ts: src/worker/source may not import src/worker/sink",
    ]);
    expect(climbs(house({ "src/worker/source/a.ts": 'import { b } from "../task/b.js";' }))).toEqual([]);
    expect(climbs(house({ "src/worker/a.ts": 'import { b } from "./sink/b.js";' }))).toEqual([]);
  });

  test("names a crowded folder", () => {
    const many = house(Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`src/base/${i}.ts`, ""])));
    expect(crowdedFolders(many, 16)).toEqual(["src/base"]);
    expect(crowdedFolders(many, 17)).toEqual([]);
  });

  test("keeps connectors to the api and to their own folder", () => {
    expect(climbs(house({ "connectors/s3/a.ts": 'import { b } from "../../src/api/index.js";' }))).toEqual([]);
    expect(climbs(house({ "connectors/s3/a.ts": 'import { b } from "../../src/base/clock.js";' }))).toHaveLength(1);
    expect(climbs(house({ "connectors/s3/a.ts": 'import { b } from "../file/b.js";' }))).toHaveLength(1);
  });

  test("keeps a package to its layer", () => {
    expect(climbs(house({ "src/worker/a.ts": 'import { Kafka } from "kafkajs";' }))).toEqual([
      "src/worker/a.ts imports kafkajs: only src/kafka may",
    ]);
    expect(climbs(house({ "src/broker/a.ts": 'import b from "kafkajs/src/broker/index.js";' }))).toHaveLength(1);
    expect(climbs(house({ "src/kafka/a.ts": 'import { Kafka } from "kafkajs";' }))).toEqual([]);
  });

  test("finds a cycle", () => {
    const files = house({ "src/base/a.ts": 'import "./b.js";', "src/base/b.ts": 'import type { A } from "./a.js";' });
    expect(cycles(files)).toEqual(["src/base/a.ts -> src/base/b.ts -> src/base/a.ts"]);
  });

  test("finds a unit test that sleeps", () => {
    expect(straySleeps(house({ "test/unit/a.test.ts": "await new Promise((done) => setImmediate(done));" }))).toEqual([
      "test/unit/a.test.ts:1 calls setImmediate: await an event, or SimClock.settled",
    ]);
    expect(straySleeps(house({ "test/unit/a.test.ts": "await clock.settled();" }))).toEqual([]);
  });

  test("finds time and chance outside base", () => {
    expect(strayTime(house({ "src/worker/a.ts": "const a = Date.now();" }))).toHaveLength(1);
    expect(strayTime(house({ "src/base/clock.ts": "const a = Date.now();" }))).toEqual([]);
    for (const call of [
      "setImmediate(resolve)",
      "AbortSignal.timeout(1)",
      "randomBytes(16)",
      "crypto.randomUUID()",
      "fetch(url)",
      "globalThis.fetch(url)",
    ]) {
      expect(strayTime(house({ "src/rest/a.ts": `await ${call};` }))).toHaveLength(1);
      expect(strayTime(house({ "connectors/s3/a.ts": `await ${call};` }))).toHaveLength(1);
    }
    expect(strayTime(house({ "src/kafka/a.ts": "void this.#fetch(leader); void consumer.fetch(leader);" }))).toEqual(
      [],
    );
  });
});
