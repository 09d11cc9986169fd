import { ArrayStruct, type ConnectValue, javaHashOrder, type Schema, Struct } from "../../../src/api/index.js";

/**
 * The value with its maps in the iteration order of a java.util.HashMap filled in the same order. Connect's converters
 * build such maps on the JVM, so the original's objects have their keys in this order. Struct fields keep the order of
 * their schema. A value without maps is returned unchanged.
 */
export function inJavaOrder(schema: Schema | null, value: ConnectValue): ConnectValue {
  if (schema !== null && !holdsMaps(schema)) return value;
  if (value instanceof Struct) {
    return new ArrayStruct(
      value.schema,
      value.schema.fields.map((field) => inJavaOrder(field.schema, value.at(field.index))),
    );
  }
  if (value instanceof Map) {
    return mapInJavaOrder(schema?.valueSchema ?? null, value as ReadonlyMap<ConnectValue, ConnectValue>);
  }
  if (Array.isArray(value)) {
    return (value as readonly ConnectValue[]).map((item) => inJavaOrder(schema?.valueSchema ?? null, item));
  }
  return value;
}

const mapHolders = new WeakMap<Schema, boolean>();

function holdsMaps(schema: Schema): boolean {
  let holds = mapHolders.get(schema);
  if (holds === undefined) {
    // Set first: otherwise a schema that contains itself would recurse forever.
    mapHolders.set(schema, true);
    holds =
      schema.type === "map" ||
      schema.fields.some((field) => holdsMaps(field.schema)) ||
      (schema.valueSchema !== undefined && holdsMaps(schema.valueSchema));
    mapHolders.set(schema, holds);
  }
  return holds;
}

function mapInJavaOrder(valueSchema: Schema | null, map: ReadonlyMap<ConnectValue, ConnectValue>): ConnectValue {
  const keys: ConnectValue[] = [];
  const items: ConnectValue[] = [];
  for (const [key, item] of map) {
    keys.push(key);
    items.push(item);
  }
  const ordered = new Map<ConnectValue, ConnectValue>();
  for (const at of orderOf(keys)) ordered.set(keys[at]!, inJavaOrder(valueSchema, items[at]!));
  return ordered;
}

/** A prefix of a sequence of keys. */
interface Shape {
  /** The next key seen last, and its shape: usually the same key follows again. */
  lastKey: string | undefined;
  last: Shape | undefined;
  /** All next keys seen, once there were two. */
  next: Map<string, Shape> | undefined;
  /** The order of a map with exactly these keys. */
  order: readonly number[] | undefined;
}

/** Bound for shapes plus the positions in their orders: a few megabytes. */
const MAX_REMEMBERED = 50_000;
let root = newShape();
let remembered = 0;

/** Caches orders by key sequence: the records of a topic have few, so each is hashed and sorted only once. */
function orderOf(keys: readonly ConnectValue[]): readonly number[] {
  let shape = root;
  for (const key of keys) {
    // Numeric keys are usually data, not names, and do not repeat: do not cache.
    if (typeof key !== "string") return javaHashOrder(keys);
    shape = shape.lastKey === key ? shape.last! : following(shape, key);
  }
  if (shape.order === undefined) {
    shape.order = javaHashOrder(keys);
    countRemembered(keys.length);
  }
  return shape.order;
}

/** Clears the cache when it grows too large: keys that are data never repeat. */
function countRemembered(more: number): void {
  remembered += more;
  if (remembered <= MAX_REMEMBERED) return;
  root = newShape();
  remembered = 0;
}

function following(shape: Shape, key: string): Shape {
  let found = shape.next?.get(key);
  if (found === undefined) {
    countRemembered(1);
    found = newShape();
    if (shape.lastKey !== undefined) {
      shape.next ??= new Map([[shape.lastKey, shape.last!]]);
      shape.next.set(key, found);
    }
  }
  shape.lastKey = key;
  shape.last = found;
  return found;
}

function newShape(): Shape {
  return { lastKey: undefined, last: undefined, next: undefined, order: undefined };
}
