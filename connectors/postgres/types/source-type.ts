import type { ResolvedType } from "./type-info.js";

/** Length and scale of a column as Postgres's JDBC driver tells them, for consumers that create tables from them. */
export interface SourceType {
  /** Upper case. A domain has its own name. */
  readonly name: string;
  readonly length: number;
  readonly scale: number;
}

const UNBOUNDED = 2_147_483_647;
const VARHDRSZ = 4;
const DATE = 13;
const CLOCK = 8;
const ZONE = 6;

const FIXED: Readonly<Record<string, readonly [number, number]>> = {
  int2: [5, 0],
  int4: [10, 0],
  int8: [19, 0],
  oid: [10, 0],
  float4: [8, 8],
  float8: [17, 17],
  bool: [1, 0],
  date: [DATE, 0],
  // "char", of one byte: char(n) is bpchar.
  char: [1, 0],
};

export function sourceType(type: ResolvedType): SourceType {
  // The driver tells those of an array's elements.
  const [length, scale] = sizeOf(type.element ?? type);
  return { name: (type.declaredName ?? type.name).toUpperCase(), length, scale };
}

function sizeOf({ name, typmod }: ResolvedType): readonly [number, number] {
  const fixed = FIXED[name];
  if (fixed) return fixed;
  switch (name) {
    case "numeric":
      return typmod < VARHDRSZ ? [131_089, 0] : [((typmod - VARHDRSZ) >> 16) & 0xffff, (typmod - VARHDRSZ) & 0x7ff];
    case "varchar":
    case "bpchar":
      return [typmod < VARHDRSZ ? UNBOUNDED : typmod - VARHDRSZ, 0];
    case "bit":
      return [typmod < 1 ? 1 : typmod, 0];
    case "varbit":
      return [typmod < 1 ? UNBOUNDED : typmod, 0];
    case "time":
      return [CLOCK + fraction(typmod), digits(typmod)];
    case "timetz":
      return [CLOCK + fraction(typmod) + ZONE, digits(typmod)];
    case "timestamp":
      return [DATE + 1 + CLOCK + fraction(typmod), digits(typmod)];
    case "timestamptz":
      return [DATE + 1 + CLOCK + fraction(typmod) + ZONE, digits(typmod)];
    case "interval":
      return [49, typmod === -1 ? 6 : typmod & 0xffff];
    default:
      return [UNBOUNDED, 0];
  }
}

function digits(typmod: number): number {
  return typmod === -1 ? 6 : typmod;
}

/** The point and the digits behind it. The driver allots one digit the room of two. */
function fraction(typmod: number): number {
  if (typmod === 0) return 0;
  return (typmod === 1 ? 2 : digits(typmod)) + 1;
}
