import type { Collected } from "./topic-collector.js";

/** Fields that differ from run to run: times of processing, and positions in the log. */
const NUMBERS = /"(ts_ms|ts_us|ts_ns|lsn|txId|xmin)":(?:\d+|null)/g;
const SEQUENCE = /"sequence":"(?:[^"\\]|\\.)*"/g;

/** A record as text, what differs from run to run blotted out and nothing else: spelling and order of fields count. */
function masked({ key, value, headers }: Collected): string {
  const shown = value?.replace(NUMBERS, '"$1":0').replace(SEQUENCE, '"sequence":""');
  const names = Object.entries(headers).map(
    ([name, text]) => `${name}=${name === "__debezium.context.runId" ? "" : text}`,
  );
  return `${key}\n${shown ?? value}\n${names.join("\n")}`;
}

/** Where two lists of records part, each with what stands around the place: whole records are too long to read. */
export function differences(topic: string, real: readonly Collected[], ours: readonly Collected[]): string[] {
  const found: string[] = [];
  for (let i = 0; i < Math.max(real.length, ours.length); i++) {
    const [one, other] = [real[i], ours[i]].map((record) => (record ? masked(record) : "no such record"));
    if (one === undefined || other === undefined || one === other) continue;
    let at = 0;
    while (one[at] === other[at]) at++;
    const around = (text: string) => text.slice(Math.max(0, at - 100), at + 100);
    found.push(`${topic}[${i}]: real …${around(one)}… ours …${around(other)}…`);
  }
  return found;
}
