import { DataError, javaPattern, type SchemaType } from "../../api/index.js";
import { areEqual, isHolder, isNumber, kindOf, readValue, textOf, type Value } from "./expression-value.js";

type Method = (receiver: Value, args: readonly Value[]) => Value;

/** A method by its name: how many arguments it takes, and what it does. */
interface MethodEntry {
  readonly least: number;
  readonly most: number;
  readonly call: Method;
}

const of = (count: number, call: Method, most = count): MethodEntry => ({ least: count, most, call });

/** A method of texts. */
const ofText = (count: number, call: (text: string, args: readonly Value[]) => Value, most = count): MethodEntry =>
  of(count, (receiver, args) => call(requireText(receiver), args), most);

/** `getString` and its like: a field of one type, without its default. */
const field = (...types: readonly SchemaType[]): MethodEntry =>
  of(1, (receiver, [name]) => {
    if (!isHolder(receiver) || !receiver.struct) throw wrongReceiver(receiver);
    const { schema } = receiver.struct;
    const found = schema.field(requireText(name!));
    if (!found) throw new DataError("VALUE_INVALID", `${requireText(name!)} is not a valid field name`);
    if (!types.includes(found.schema.type))
      throw new DataError("VALUE_INVALID", `the field ${found.name} is of type ${found.schema.type}`);
    return readValue(found.schema, receiver.struct.at(found.index));
  });

const METHODS: Readonly<Record<string, MethodEntry>> = {
  contains: of(1, (receiver, [item]) => {
    if (Array.isArray(receiver)) return receiver.some((each: Value) => areEqual(each, item!));
    return requireText(receiver).includes(requireText(item!));
  }),
  containsKey: of(1, (receiver, [key]) => mapOf(receiver).has(requireText(key!))),
  endsWith: ofText(1, (text, [end]) => text.endsWith(requireText(end!))),
  equals: of(1, (receiver, [other]) => {
    if (receiver === null) throw wrongReceiver(receiver);
    return areEqual(receiver, other!);
  }),
  equalsIgnoreCase: ofText(1, (text, [other]) => {
    return other !== null && text.toLowerCase() === requireText(other!).toLowerCase();
  }),
  get: of(1, (receiver, [name]) => {
    if (!isHolder(receiver)) throw wrongReceiver(receiver);
    return receiver.member(requireText(name!));
  }),
  getBoolean: field("boolean"),
  getFloat32: field("float32"),
  getFloat64: field("float64"),
  getInt8: field("int8"),
  getInt16: field("int16"),
  getInt32: field("int32"),
  getInt64: field("int64"),
  getString: field("string"),
  getStruct: field("struct"),
  indexOf: ofText(1, (text, [part]) => BigInt(text.indexOf(requireText(part!)))),
  isBlank: ofText(0, (text) => text.trim() === ""),
  isEmpty: of(0, (receiver) => sizeOf(receiver) === 0),
  length: ofText(0, (text) => BigInt(text.length)),
  name: of(0, (receiver) => {
    if (!isHolder(receiver) || receiver.schemaName === undefined) throw wrongReceiver(receiver);
    return receiver.schemaName;
  }),
  replace: ofText(2, (text, [part, other]) => text.replaceAll(requireText(part!), () => requireText(other!))),
  size: of(0, (receiver) => BigInt(sizeOf(receiver))),
  startsWith: ofText(1, (text, [start]) => text.startsWith(requireText(start!))),
  substring: ofText(1, (text, [from, to]) => substringOf(text, from!, to ?? BigInt(text.length)), 2),
  toInteger: ofText(0, (text) => integerOf(text, 32)),
  toLong: ofText(0, (text) => integerOf(text, 64)),
  toLowerCase: ofText(0, (text) => text.toLowerCase()),
  toString: of(0, (receiver) => {
    if (receiver === null) throw wrongReceiver(receiver);
    return textOf(receiver);
  }),
  toUpperCase: ofText(0, (text) => text.toUpperCase()),
  trim: ofText(0, javaTrimmed),
};

/** The method of that name, or undefined. */
export function methodNamed(name: string): MethodEntry | undefined {
  return Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
}

/** The names of all methods, for errors. */
export const METHOD_NAMES: readonly string[] = [...Object.keys(METHODS), "matches"];

/** A test whether a text matches a Java pattern as a whole. @throws ConfigError for no such pattern */
export function matcherOf(key: string, pattern: string): (value: Value) => boolean {
  const regExp = javaPattern(key, pattern);
  return (value) => regExp.test(textOf(value));
}

function requireText(value: Value): string {
  if (typeof value === "string") return value;
  throw new DataError("VALUE_INVALID", `a text is expected, not ${kindOf(value)}`);
}

function mapOf(value: Value): ReadonlyMap<string, Value> {
  if (isHolder(value) && value.map) return value.map;
  throw wrongReceiver(value);
}

function sizeOf(value: Value): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  return mapOf(value).size;
}

function substringOf(text: string, from: Value, to: Value): string {
  const [start, end] = [from, to].map((at) => (isNumber(at) && typeof at === "bigint" ? Number(at) : Number.NaN));
  if (start! >= 0 && start! <= end! && end! <= text.length) return text.slice(start, end);
  throw new DataError("VALUE_INVALID", "the positions of substring lie outside of the text");
}

function integerOf(text: string, bits: number): bigint {
  const digits = text.trim();
  const value = /^[+-]?\d{1,20}$/.test(digits) ? BigInt(digits.replace(/^\+/, "")) : undefined;
  if (value !== undefined && BigInt.asIntN(bits, value) === value) return value;
  throw new DataError("VALUE_INVALID", `a text is no integer of ${bits} bits`);
}

/** String.trim of Java: all characters up to the blank. */
function javaTrimmed(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Java's definition.
  return text.replace(/^[\u0000- ]+|[\u0000- ]+$/g, "");
}

function wrongReceiver(value: Value): DataError {
  return new DataError("VALUE_INVALID", `${kindOf(value)} has no such method`);
}
