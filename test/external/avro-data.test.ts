import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  AvroReader,
  AvroWriter,
  avroText,
  ByteSlab,
  type ConnectValue,
  RecordHeaders,
  type Schema,
} from "../../src/api/index.js";
import { JsonConverter } from "../../src/converters/json/json-converter.js";
import { fixedSeedOf } from "../support/seed.js";
import { randomAvroValues } from "../unit/api/avro/random-avro-values.js";
import { findPeers, installJars, installPeers } from "./peers.js";
import { runJava } from "./run-java.js";

// AvroData of Apicurio, which descends from Confluent's: the same schemas and records through both, and each reads what
// the other has written. Avro itself is Apache's library.

const { script, missing } = findPeers();
const CASES = 1000;

/** What AvroData makes of a record. */
interface Answer {
  readonly text?: string;
  readonly hex?: string;
  readonly back?: unknown;
  readonly read?: unknown;
  readonly error?: string;
}

const json = new JsonConverter();
json.configure({}, false);

function jsonOf(schema: Schema, value: ConnectValue): string {
  return json.fromConnectData("t", new RecordHeaders(), schema, value)!.toString();
}

/** Whether a union has bytes and a fixed: Java takes one for the other, ours does not. */
function isAmbiguous(schema: Schema): boolean {
  const isUnion = schema.name === "io.confluent.connect.avro.Union";
  if (isUnion && schema.fields.filter((field) => field.schema.type === "bytes").length > 1) return true;
  const parts = [...schema.fields.map((field) => field.schema), schema.keySchema, schema.valueSchema];
  return parts.some((part) => part !== undefined && isAmbiguous(part));
}

function bytesOf(writer: AvroWriter, value: ConnectValue): Buffer {
  const slab = new ByteSlab();
  slab.begin();
  writer.write(slab, value);
  return slab.finish();
}

/** Without the order of maps, which is a HashMap's in Java, the digits that older JDKs print too many of a float, and the sign of 0. */
function sorted(value: unknown): unknown {
  if (typeof value === "number") return Math.fround(value) + 0;
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    const isMap = items.every((item) => Array.isArray(item) && item.length === 2);
    return isMap ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, sorted(item)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

describe.skipIf(missing)(`AvroData${missing ? ` (${missing})` : ""}`, () => {
  let classPath: string[];
  beforeAll(async () => {
    const home = await installPeers(script);
    const jars = ["org.apache.avro:avro:1.12.1", "io.apicurio:apicurio-registry-utils-converter:2.6.2.Final"];
    classPath = [`${home}/libs`, await installJars("avro", jars)];
  });

  test("makes the same schemas, and each reads the other's bytes", async () => {
    const seed = fixedSeedOf("avro-data");
    const cases = fc
      .sample(randomAvroValues, { seed, numRuns: CASES })
      .map(({ schema, values }) => ({ schema, value: values[0]! }))
      // JsonConverter of Java reads these as 0.
      .filter(({ schema, value }) => !/NaN|Infinity/.test(jsonOf(schema, value)))
      .filter(({ schema }) => !isAmbiguous(schema));
    const writers = cases.map(({ schema }) => new AvroWriter(schema));
    const questions = cases.map(({ schema, value }, i) => {
      return `{"record":${jsonOf(schema, value)},"hex":"${bytesOf(writers[i]!, value).toString("hex")}"}`;
    });
    const answers = (await runJava("JavaAvro.java", classPath, questions)) as Answer[];
    expect(answers).toHaveLength(cases.length);
    for (const i of cases.keys()) {
      const { text, hex, back, read, error } = answers[i]!;
      expect(error, questions[i]).toBeUndefined();
      expect(avroText(writers[i]!.avro)).toBe(text);
      expect(sorted(read)).toEqual(sorted(back));
      const reader = new AvroReader(writers[i]!.avro);
      const found = jsonOf(reader.schema!, reader.read(Buffer.from(hex!, "hex")));
      expect(sorted(JSON.parse(found))).toEqual(sorted(back));
    }
  });
});
