import type { Collected } from "./topic-collector.js";

/** Fields that differ from run to run: times of processing, and positions in the log. */
const NUMBERS = /"(ts_ms|ts_us|ts_ns|lsn|txId|xmin)":(?:\d+|null)/g;
const SEQUENCE = /"sequence":"(?:[^"\\]|\\.)*"/g;

/** A record as text, what differs from run to run blotted out and nothing else: spelling and order of fields count. */
export function masked({ key, value, headers }: Collected): string {
  const shown = value?.replace(NUMBERS, '"$1":0').replace(SEQUENCE, '"sequence":""');
  const names = Object.entries(headers).map(
    ([name, text]) => `${name}=${name === "__debezium.context.runId" ? "" : text}`,
  );
  return `${key}\n${shown ?? value}\n${names.join("\n")}`;
}
