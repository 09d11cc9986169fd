/** Writes pgoutput messages like a server (PostgreSQL manual, "Logical Replication Message Formats"). */

const text = (value: string) => Buffer.concat([Buffer.from(value, "utf8"), Buffer.from([0])]);
const int8 = (value: number) => Buffer.from([value]);

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

function int64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

/** Microseconds from 1970 to 2000. */
const EPOCH_US = 946_684_800_000_000;

/** null for NULL, undefined for an unchanged out-of-line value. */
export type ColumnText = string | null | undefined;

function tupleBytes(columns: readonly ColumnText[]): Buffer {
  const parts = columns.map((column) => {
    if (column === null) return Buffer.from("n");
    if (column === undefined) return Buffer.from("u");
    const bytes = Buffer.from(column, "utf8");
    return Buffer.concat([Buffer.from("t"), int32(bytes.length), bytes]);
  });
  return Buffer.concat([int16(columns.length), ...parts]);
}

export function begin(finalLsn: number, timeUs: number, xid: number): Buffer {
  return Buffer.concat([Buffer.from("B"), int64(finalLsn), int64(timeUs - EPOCH_US), int32(xid)]);
}

export function commit(startLsn: number, endLsn: number, timeUs: number): Buffer {
  return Buffer.concat([Buffer.from("C"), int8(0), int64(startLsn), int64(endLsn), int64(timeUs - EPOCH_US)]);
}

export function origin(lsn: number, name: string): Buffer {
  return Buffer.concat([Buffer.from("O"), int64(lsn), text(name)]);
}

interface RelationColumnBytes {
  readonly name: string;
  readonly typeOid: number;
  readonly typmod?: number;
  readonly isIdentity?: boolean;
}

export function relation(
  oid: number,
  schema: string,
  table: string,
  identity: string,
  columns: readonly RelationColumnBytes[],
): Buffer {
  return Buffer.concat([
    Buffer.from("R"),
    int32(oid),
    text(schema),
    text(table),
    Buffer.from(identity),
    int16(columns.length),
    ...columns.map(({ name, typeOid, typmod = -1, isIdentity = false }) =>
      Buffer.concat([int8(isIdentity ? 1 : 0), text(name), int32(typeOid), int32(typmod)]),
    ),
  ]);
}

export function insert(oid: number, after: readonly ColumnText[]): Buffer {
  return Buffer.concat([Buffer.from("I"), int32(oid), Buffer.from("N"), tupleBytes(after)]);
}

export function update(
  oid: number,
  after: readonly ColumnText[],
  old?: { readonly kind: "K" | "O"; readonly before: readonly ColumnText[] },
): Buffer {
  const before = old ? [Buffer.from(old.kind), tupleBytes(old.before)] : [];
  return Buffer.concat([Buffer.from("U"), int32(oid), ...before, Buffer.from("N"), tupleBytes(after)]);
}

export function remove(oid: number, kind: "K" | "O", before: readonly ColumnText[]): Buffer {
  return Buffer.concat([Buffer.from("D"), int32(oid), Buffer.from(kind), tupleBytes(before)]);
}

export function truncate(...oids: number[]): Buffer {
  return Buffer.concat([Buffer.from("T"), int32(oids.length), int8(0), ...oids.map(int32)]);
}

export function logicalMessage(isTransactional: boolean, lsn: number, prefix: string, content: string): Buffer {
  const bytes = Buffer.from(content, "utf8");
  return Buffer.concat([
    ...[Buffer.from("M"), int8(isTransactional ? 1 : 0), int64(lsn), text(prefix), int32(bytes.length), bytes],
  ]);
}
