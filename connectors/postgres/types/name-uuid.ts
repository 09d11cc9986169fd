import { createHash } from "node:crypto";

/** A name-based UUID (version 3) without a namespace, like Java's UUID.nameUUIDFromBytes. */
export function nameUuid(name: Buffer): string {
  const bytes = createHash("md5").update(name).digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x30;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
