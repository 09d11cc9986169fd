import { expect, test } from "vitest";
import { type Header, SourceRecord, STRING } from "../../../../src/api/index.js";
import { JsonConverter } from "../../../../src/converters/json/json-converter.js";
import { type SourceFailure, SourceRecordEncoder } from "../../../../src/worker/source/source-record-encoder.js";
import type { RecordErrors } from "../../../../src/worker/task/record-errors.js";

function newEncoder() {
  const key = new JsonConverter();
  const value = new JsonConverter();
  const header = new JsonConverter();
  key.configure({ "schemas.enable": "false" }, true);
  value.configure({ "schemas.enable": "false" }, false);
  header.configure({ "schemas.enable": "false" });
  const classes = { key: "K", value: "V", header: "H" };
  // Called only when a converter throws.
  const errors = undefined as unknown as RecordErrors<SourceFailure>;
  return new SourceRecordEncoder(
    { key, value, header, classes },
    undefined,
    "Task",
    errors,
    new AbortController().signal,
  );
}

const record = (value: string, headers: readonly Header[], topic = "t") =>
  new SourceRecord({ p: 1 }, { o: 1 }, topic, null, STRING, `key of ${value}`, STRING, value, null, headers);
const header = (value: string): Header => ({ key: "h", schema: STRING, value });

test("each record gets its own key, value and headers, though their memory is reused", () => {
  const encoder = newEncoder();
  const shared = [header("shared"), header("by all")];
  const seen: string[] = [];
  for (const next of [
    record("1", shared),
    record("2", shared),
    record("3", [header("own")]),
    record("4", []),
    record("5", shared, "u"),
    record("6", shared),
  ]) {
    const { topic, key, value, headers } = encoder.encode(next, 0)!;
    seen.push(`${topic} ${key} ${value} ${headers.map((each) => `${each.key}=${each.value}`).join(" ")}`);
    encoder.release();
  }
  expect(seen).toEqual([
    't "key of 1" "1" h="shared" h="by all"',
    't "key of 2" "2" h="shared" h="by all"',
    't "key of 3" "3" h="own"',
    't "key of 4" "4" ',
    'u "key of 5" "5" h="shared" h="by all"',
    't "key of 6" "6" h="shared" h="by all"',
  ]);
});
