import { DataError } from "../../../src/api/index.js";
import { type Lsn, readLsn } from "./lsn.js";

/** Microseconds from 1970 to 2000, the epoch of Postgres. */
const POSTGRES_EPOCH_US = 946_684_800_000_000;

/** How a column was sent: as text (VALUE), as NULL, or not at all (UNCHANGED: a value stored out of line). */
export const VALUE = 0;
export const NULL = 1;
export const UNCHANGED = 2;

/**
 * The columns of one row as slices of the message: column i is `bytes[starts[i], ends[i])` where `kinds[i]` is VALUE.
 * The decoder reuses two tuples; they are valid until the next `decode`.
 */
export interface Tuple {
  bytes: Buffer;
  count: number;
  kinds: Uint8Array;
  starts: Int32Array;
  ends: Int32Array;
}

interface RelationColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  /** Part of the replica identity. */
  readonly isIdentity: boolean;
}

type ReplicaIdentity = "default" | "nothing" | "full" | "index";

export interface RelationMessage {
  readonly kind: "relation";
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly replicaIdentity: ReplicaIdentity;
  readonly columns: readonly RelationColumn[];
}

export interface BeginMessage {
  readonly kind: "begin";
  /** Start of the commit record. */
  readonly finalLsn: Lsn;
  /** Microseconds since 1970. */
  readonly commitTimeUs: number;
  readonly xid: number;
}

interface CommitMessage {
  readonly kind: "commit";
  /** Just after the commit record. */
  readonly endLsn: Lsn;
}

interface OriginMessage {
  readonly kind: "origin";
  readonly lsn: Lsn;
  readonly name: string;
}

export interface InsertMessage {
  readonly kind: "insert";
  readonly relationOid: number;
  readonly after: Tuple;
}

/** `oldKind`: K carries the replica identity's columns (the others are NULL), O the whole row. */
export interface UpdateMessage {
  readonly kind: "update";
  readonly relationOid: number;
  readonly oldKind: "K" | "O" | null;
  readonly before: Tuple | null;
  readonly after: Tuple;
}

export interface DeleteMessage {
  readonly kind: "delete";
  readonly relationOid: number;
  readonly oldKind: "K" | "O";
  readonly before: Tuple;
}

export interface TruncateMessage {
  readonly kind: "truncate";
  readonly relationOids: readonly number[];
}

export interface LogicalMessage {
  readonly kind: "message";
  readonly isTransactional: boolean;
  readonly lsn: Lsn;
  readonly prefix: string;
  readonly content: Buffer;
}

/** Names a type that is not built in. For a domain, its base type. */
export interface TypeMessage {
  readonly kind: "type";
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
}

export type PgoutputMessage =
  | RelationMessage
  | BeginMessage
  | CommitMessage
  | OriginMessage
  | InsertMessage
  | UpdateMessage
  | DeleteMessage
  | TruncateMessage
  | LogicalMessage
  | TypeMessage;

const IDENTITIES: Readonly<Record<string, ReplicaIdentity>> = { d: "default", n: "nothing", f: "full", i: "index" };
/** Postgres's limit for the columns of a row. */
const MAX_COLUMNS = 1664;

/** Decodes pgoutput messages of protocol version 1 (PostgreSQL manual, "Logical Replication Message Formats"). */
export class PgoutputDecoder {
  readonly #old = newTuple();
  readonly #new = newTuple();
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;

  /**
   * @param bytes holds the message at `[start, end)`; tuples of the result are slices of it.
   * @throws DataError for a malformed message.
   */
  decode(bytes: Buffer, start: number, end: number): PgoutputMessage {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    const tag = this.#byte();
    switch (tag) {
      case 0x49: // I
        return this.#insert();
      case 0x55: // U
        return this.#update();
      case 0x44: // D
        return this.#delete();
      case 0x42: // B
        return { kind: "begin", finalLsn: this.#lsn(), commitTimeUs: this.#timestamp(), xid: this.#uint32() };
      case 0x43: // C
        this.#byte();
        this.#lsn();
        return { kind: "commit", endLsn: this.#lsn() };
      case 0x52: // R
        return this.#relation();
      case 0x54: // T
        return this.#truncate();
      case 0x4f: // O
        return { kind: "origin", lsn: this.#lsn(), name: this.#cstring() };
      case 0x4d: // M
        return this.#message();
      case 0x59: // Y
        return { kind: "type", oid: this.#uint32(), schema: this.#cstring() || "pg_catalog", name: this.#cstring() };
      default:
        throw malformed(`unknown message type 0x${tag.toString(16)}`);
    }
  }

  #insert(): InsertMessage {
    const relationOid = this.#uint32();
    this.#expect("N");
    return { kind: "insert", relationOid, after: this.#tuple(this.#new) };
  }

  #update(): UpdateMessage {
    const relationOid = this.#uint32();
    let part = this.#byte();
    let oldKind: "K" | "O" | null = null;
    let before: Tuple | null = null;
    if (part === 0x4b || part === 0x4f) {
      oldKind = part === 0x4b ? "K" : "O";
      before = this.#tuple(this.#old);
      part = this.#byte();
    }
    if (part !== 0x4e) throw malformed("an update without a new row");
    return { kind: "update", relationOid, oldKind, before, after: this.#tuple(this.#new) };
  }

  #delete(): DeleteMessage {
    const relationOid = this.#uint32();
    const part = this.#byte();
    if (part !== 0x4b && part !== 0x4f) throw malformed("a delete without an old row");
    return { kind: "delete", relationOid, oldKind: part === 0x4b ? "K" : "O", before: this.#tuple(this.#old) };
  }

  #relation(): RelationMessage {
    const oid = this.#uint32();
    const schema = this.#cstring() || "pg_catalog";
    const table = this.#cstring();
    const replicaIdentity = IDENTITIES[String.fromCharCode(this.#byte())];
    if (!replicaIdentity) throw malformed("an unknown replica identity");
    const columns: RelationColumn[] = [];
    for (let left = this.#uint16(); left > 0; left--) {
      const isIdentity = (this.#byte() & 1) !== 0;
      columns.push({ isIdentity, name: this.#cstring(), typeOid: this.#uint32(), typmod: this.#uint32() | 0 });
    }
    return { kind: "relation", oid, schema, table, replicaIdentity, columns };
  }

  #truncate(): TruncateMessage {
    const relationOids: number[] = [];
    const count = this.#uint32();
    this.#byte();
    for (let i = 0; i < count; i++) relationOids.push(this.#uint32());
    return { kind: "truncate", relationOids };
  }

  #message(): LogicalMessage {
    const isTransactional = (this.#byte() & 1) !== 0;
    const lsn = this.#lsn();
    const prefix = this.#cstring();
    const length = this.#uint32();
    this.#need(length);
    const content = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length));
    return { kind: "message", isTransactional, lsn, prefix, content };
  }

  /** The hot path: one pass over the columns, into reused arrays. */
  #tuple(into: Tuple): Tuple {
    const bytes = this.#bytes;
    const end = this.#end;
    const count = this.#uint16();
    if (count > MAX_COLUMNS) throw malformed(`a row of ${count} columns`);
    let at = this.#at;
    for (let i = 0; i < count; i++) {
      if (at >= end) throw malformed("a row that ends early");
      const kind = bytes[at++];
      if (kind === 0x74) {
        if (at + 4 > end) throw malformed("a row that ends early");
        const length = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
        at += 4;
        if (length > end - at) throw malformed("a column that is longer than its message");
        into.kinds[i] = VALUE;
        into.starts[i] = at;
        at += length;
        into.ends[i] = at;
      } else if (kind === 0x6e) {
        into.kinds[i] = NULL;
      } else if (kind === 0x75) {
        into.kinds[i] = UNCHANGED;
      } else {
        throw malformed(`a column of kind 0x${kind!.toString(16)}`);
      }
    }
    this.#at = at;
    into.bytes = bytes;
    into.count = count;
    return into;
  }

  #need(length: number): void {
    if (length > this.#end - this.#at) throw malformed("a message that ends early");
  }

  #byte(): number {
    this.#need(1);
    return this.#bytes[this.#at++]!;
  }

  #uint16(): number {
    this.#need(2);
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  #uint32(): number {
    this.#need(4);
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  #lsn(): Lsn {
    this.#need(8);
    this.#at += 8;
    return readLsn(this.#bytes, this.#at - 8);
  }

  #timestamp(): number {
    this.#need(8);
    this.#at += 8;
    const high = this.#bytes.readInt32BE(this.#at - 8);
    return high * 2 ** 32 + this.#bytes.readUInt32BE(this.#at - 4) + POSTGRES_EPOCH_US;
  }

  #cstring(): string {
    const zero = this.#bytes.indexOf(0, this.#at);
    if (zero < 0 || zero >= this.#end) throw malformed("a text without its end");
    const text = this.#bytes.toString("utf8", this.#at, zero);
    this.#at = zero + 1;
    return text;
  }

  #expect(letter: string): void {
    if (this.#byte() !== letter.charCodeAt(0)) throw malformed(`a message without its ${letter} part`);
  }
}

export function newTuple(): Tuple {
  return {
    bytes: Buffer.alloc(0),
    count: 0,
    kinds: new Uint8Array(MAX_COLUMNS),
    starts: new Int32Array(MAX_COLUMNS),
    ends: new Int32Array(MAX_COLUMNS),
  };
}

function malformed(what: string): DataError {
  return new DataError(
    "VALUE_INVALID",
    `The replication stream holds ${what}: this is no pgoutput message of protocol version 1`,
  );
}
