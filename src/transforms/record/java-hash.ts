import { type ConnectValue, DataError, Float64, LOGICAL, type Schema, Struct } from "../../api/index.js";

const DAY_MS = 86_400_000;
const BITS = new DataView(new ArrayBuffer(8));

/**
 * `Object.hashCode` of a value as a Java worker holds it: bytes are a ByteBuffer, as Debezium's connectors make them.
 *
 * @throws DataError for a struct: its hash in Java is another one in each process.
 */
export function javaHash(schema: Schema | null, value: ConnectValue): number {
  if (value === null) return 0;
  if (typeof value === "boolean") return value ? 1231 : 1237;
  if (typeof value === "string") return textHash(value);
  if (value instanceof Float64) return doubleHash(value.value);
  if (Buffer.isBuffer(value)) return schema?.name === LOGICAL.decimal ? decimalHash(schema, value) : bufferHash(value);
  if (value instanceof Struct)
    throw new DataError("VALUE_INVALID", "A struct has no hash that would be the same in every process");
  if (Array.isArray(value))
    return value.reduce((hash, item) => (Math.imul(hash, 31) + javaHash(schema?.valueSchema ?? null, item)) | 0, 1);
  if (value instanceof Map) return mapHash(schema, value);
  return numberHash(schema, value as number | bigint);
}

function textHash(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}

function numberHash(schema: Schema | null, value: number | bigint): number {
  switch (schema?.name) {
    case LOGICAL.date:
      return longHash(BigInt(value) * BigInt(DAY_MS));
    case LOGICAL.time:
    case LOGICAL.timestamp:
      return longHash(BigInt(value));
  }
  switch (schema?.type) {
    case "int8":
    case "int16":
    case "int32":
      return Number(value);
    case "float32":
      BITS.setFloat32(0, Number(value));
      return BITS.getInt32(0);
    case "float64":
      return doubleHash(Number(value));
    case "int64":
      return longHash(BigInt(value));
    default:
      // Without a schema, JsonConverter's integers are longs and its other numbers doubles.
      return typeof value === "number" && !Number.isInteger(value) ? doubleHash(value) : longHash(BigInt(value));
  }
}

function longHash(value: bigint): number {
  return Number(BigInt.asIntN(32, value ^ (value >> 32n)));
}

function doubleHash(value: number): number {
  BITS.setFloat64(0, value);
  return BITS.getInt32(0) ^ BITS.getInt32(4);
}

/** ByteBuffer.hashCode. */
function bufferHash(bytes: Buffer): number {
  let hash = 1;
  for (let at = bytes.length - 1; at >= 0; at--) hash = (Math.imul(hash, 31) + bytes.readInt8(at)) | 0;
  return hash;
}

/** BigDecimal.hashCode: of the magnitude's 32-bit words, the sign and the scale. */
function decimalHash(schema: Schema, bytes: Buffer): number {
  const unscaled = bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`));
  const words: number[] = [];
  for (let rest = unscaled < 0n ? -unscaled : unscaled; rest > 0n; rest >>= 32n)
    words.unshift(Number(rest & 0xffffffffn));
  const magnitude = words.reduce((hash, word) => (Math.imul(hash, 31) + word) | 0, 0);
  const signed = unscaled < 0n ? -magnitude : magnitude;
  return (Math.imul(31, signed) + Number(schema.parameters?.["scale"] ?? 0)) | 0;
}

function mapHash(schema: Schema | null, map: ReadonlyMap<ConnectValue, ConnectValue>): number {
  let hash = 0;
  for (const [key, value] of map)
    hash = (hash + (javaHash(schema?.keySchema ?? null, key) ^ javaHash(schema?.valueSchema ?? null, value))) | 0;
  return hash;
}
