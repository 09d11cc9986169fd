import {
  type ConnectRecord,
  RecordHeaders,
  SinkRecord,
  SourceRecord,
  type Transformation,
} from "../../src/api/index.js";
import { silentLogger } from "../../src/base/logger.js";
import { JsonConverter } from "../../src/converters/json/json-converter.js";
import { builtInTransformations } from "../../src/transforms/built-in-transformations.js";
import { runJava } from "./run-java.js";

/** Keys, values and headers are texts of JsonConverter with schemas; null is a tombstone. */
export interface RecordTexts {
  readonly sink: boolean;
  readonly topic: string;
  readonly timestamp: number | null;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, text: string | null])[];
}

export interface TransformCase {
  readonly type: string;
  readonly props: Readonly<Record<string, string>>;
  readonly records: readonly RecordTexts[];
}

/** A transformed record, `{dropped}`, `{error}`, or `{unwritable}` where the converter refuses the result. */
export type Result = Readonly<Record<string, unknown>>;

export type Answer = { readonly refused: string } | { readonly results: readonly Result[] };

/** What the real transformations answer. @param classPath folders of jars. */
export async function askJava(classPath: readonly string[], cases: readonly TransformCase[]): Promise<Answer[]> {
  const questions = cases.map((given) => JSON.stringify(given));
  return (await runJava("JavaTransformer.java", classPath, questions)) as Answer[];
}

const converter = new JsonConverter();
converter.configure({ "schemas.enable": "true", "replace.null.with.default": "false" }, false);

/** What ours answer. */
export function askOurs({ type, props, records }: TransformCase): Answer {
  const transformation = builtInTransformations.find(({ className }) => className === type)!.transformation();
  try {
    transformation.configure(props, { logger: silentLogger });
  } catch (error) {
    return { refused: String(error) };
  }
  return { results: records.map((record) => transformed(transformation, record)) };
}

function transformed(transformation: Transformation, texts: RecordTexts): Result {
  let changed: ConnectRecord | null;
  try {
    changed = transformation.apply(recordOf(texts));
  } catch (error) {
    return { error: String(error) };
  }
  if (!changed) return { dropped: true };
  try {
    return {
      topic: changed.topic,
      partition: changed.partition,
      timestamp: changed.timestampMs,
      key: textOf(changed.keySchema, changed.key),
      value: textOf(changed.valueSchema, changed.value),
      headers: changed.headers.map(({ key, schema, value }) => [key, textOf(schema, value)]),
    };
  } catch (error) {
    return { unwritable: String(error) };
  }
}

function recordOf({ sink, topic, timestamp, key, value, headers }: RecordTexts): ConnectRecord {
  const [k, v] = [dataOf(key), dataOf(value)];
  const read = headers.map(([name, text]) => ({ key: name, ...dataOf(text) }));
  return sink
    ? new SinkRecord(topic, 3, k.schema, k.value, v.schema, v.value, 77, timestamp, "CreateTime", read)
    : new SourceRecord({}, {}, topic, null, k.schema, k.value, v.schema, v.value, timestamp, read);
}

function dataOf(text: string | null) {
  return converter.toConnectData("t", [], text === null ? null : Buffer.from(text));
}

function textOf(...[schema, value]: [ConnectRecord["keySchema"], ConnectRecord["key"]]): string | null {
  return converter.fromConnectData("t", new RecordHeaders(), schema, value)?.toString("utf8") ?? null;
}
