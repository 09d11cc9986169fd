import { crc32c } from "../../protocol/crc32c.js";
import {
  type BrokerMetadata,
  changedMetadata,
  decodeMetadata,
  encodeMetadata,
  type MetadataChange,
} from "./broker-metadata.js";

const MAGIC = "millrace-broker-metadata";
const CHECKSUM_CHARACTERS = 8;

/** The content of a metadata file, judged. `cutBytes`: length of an unfinished write at its end, never acknowledged. */
export type MetadataVerdict =
  | { readonly kind: "metadata"; readonly metadata: BrokerMetadata; readonly cutBytes: number }
  | { readonly kind: "damaged"; readonly reason: string };

/** The text of a metadata file without changes: its header, and the metadata as the first line. */
export function snapshotText(metadata: BrokerMetadata): string {
  return `${MAGIC} 2\n${line(encodeMetadata(metadata))}`;
}

/** The line that adds `changes`, made in one step, to a metadata file. */
export function changesText(changes: readonly MetadataChange[]): string {
  return line(JSON.stringify(changes));
}

/**
 * Judges the bytes of a metadata file. A line counts if its checksum is right. A bad last line is a write that did not
 * finish: the next one is only written once the last is on disk. So a bad line before a good one is damage.
 */
export function judgeMetadataText(bytes: Buffer): MetadataVerdict {
  const lines = linesOf(bytes);
  const [magic, version, checksum] = (lines.shift() ?? Buffer.alloc(0)).toString().trim().split(" ");
  if (magic !== MAGIC || (version !== "1" && version !== "2")) {
    return { kind: "damaged", reason: "is not a metadata file of this version of the broker" };
  }
  // Version 1 holds the metadata as indented JSON, and its checksum in the header. Never written any more.
  if (version === "1") {
    const body = bytes.subarray(bytes.indexOf("\n") + 1);
    if (checksum !== checksumOf(body)) return { kind: "damaged", reason: "is damaged (wrong checksum)" };
    return { kind: "metadata", metadata: decodeMetadata(body.toString()), cutBytes: 0 };
  }
  const contents = lines.map(contentOf);
  const count = contents.indexOf(undefined);
  const good = count < 0 ? contents : contents.slice(0, count);
  const [snapshot, ...changes] = good as string[];
  if (snapshot === undefined || contents.slice(good.length).some((content) => content !== undefined)) {
    return { kind: "damaged", reason: `is damaged (wrong checksum in line ${good.length + 2})` };
  }
  const metadata = changedMetadata(
    decodeMetadata(snapshot),
    changes.flatMap((each) => JSON.parse(each) as MetadataChange[]),
  );
  return {
    kind: "metadata",
    metadata,
    cutBytes: lines.slice(good.length).reduce((sum, { length }) => sum + length, 0),
  };
}

function line(content: string): string {
  return `${checksumOf(Buffer.from(content))} ${content}\n`;
}

/** The lines with their ends; the last one may lack its end. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf("\n", from);
    const next = end < 0 ? bytes.length : end + 1;
    lines.push(bytes.subarray(from, next));
    from = next;
  }
  return lines;
}

/** The content of a line; undefined if the line is not whole. */
function contentOf(bytes: Buffer): string | undefined {
  const end = bytes.length - 1;
  if (bytes[end] !== 0x0a) return undefined;
  const content = bytes.subarray(CHECKSUM_CHARACTERS + 1, end);
  return bytes.toString("latin1", 0, CHECKSUM_CHARACTERS + 1) === `${checksumOf(content)} `
    ? content.toString()
    : undefined;
}

function checksumOf(body: Buffer): string {
  return crc32c(body).toString(16).padStart(CHECKSUM_CHARACTERS, "0");
}
