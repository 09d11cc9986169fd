import { InvariantError } from "../base/invariant-error.js";
import type { ByteReader } from "./byte-reader.js";
import type { ByteWriter } from "./byte-writer.js";
import { type Fields, type InputOf, type OutputOf, structType } from "./message-fields.js";
import type { WireCodec } from "./wire-types.js";

/** A message in several versions, each compiled on first use. */
export interface Message<F extends Fields> {
  /** Oldest and newest version. */
  readonly versions: readonly [number, number];
  read(version: number, reader: ByteReader): OutputOf<F>;
  write(version: number, writer: ByteWriter, value: InputOf<F>): void;
}

/** @param flexibleFrom first version with compact lengths and tagged fields; undefined: none. */
export function defineMessage<const F extends Fields>(
  name: string,
  versions: readonly [number, number],
  flexibleFrom: number | undefined,
  fields: F,
): Message<F> {
  const type = structType(fields);
  const codecs: (WireCodec | undefined)[] = [];
  const codecOf = (version: number): WireCodec => {
    const compiled = codecs[version];
    if (compiled) return compiled;
    if (version < versions[0] || version > versions[1]) throw new InvariantError(`${name} has no version ${version}`);
    const flexible = flexibleFrom !== undefined && version >= flexibleFrom;
    const codec = type.compile({ version, flexible, nullable: false });
    codecs[version] = codec;
    return codec;
  };
  return {
    versions,
    read: (version, reader) => codecOf(version).read(reader) as OutputOf<F>,
    write: (version, writer, value) => codecOf(version).write(writer, value),
  };
}
