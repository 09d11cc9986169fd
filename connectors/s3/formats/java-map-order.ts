import { ArrayStruct, type ConnectValue, javaHashOrder, type Schema, Struct } from "../../../src/api/index.js";

/**
 * The value with its maps in the order in which a java.util.HashMap would list them, filled in the order given: that
 * is what Connect's converters build on the JVM, so that is the order of keys in the original's objects. Struct fields
 * keep the order of their schema. A value without maps is handed back as it is.
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
    // Set first, so that a schema that contains itself comes to an end.
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

/** One sequence of keys, as far as to its last one. */
interface Shape {
  /** The key that followed last, and what it leads to: mostly it follows again. */
  lastKey: string | undefined;
  last: Shape | undefined;
  /** All that ever followed, once there were two. */
  next: Map<string, Shape> | undefined;
  /** The order of a map with exactly these keys. */
  order: readonly number[] | undefined;
}

/** Of shapes and of places in their orders: a few megabytes. */
const MAX_REMEMBERED = 50_000;
let root = newShape();
let remembered = 0;

/** Orders by key sequence: the records of a topic have few, so that their keys are hashed and sorted once. */
function orderOf(keys: readonly ConnectValue[]): readonly number[] {
  let shape = root;
  for (const key of keys) {
    // Numbers as keys are data rather than names: they do not come again.
    if (typeof key !== "string") return javaHashOrder(keys);
    shape = shape.lastKey === key ? shape.last! : following(shape, key);
  }
  if (shape.order === undefined) {
    shape.order = javaHashOrder(keys);
    countRemembered(keys.length);
  }
  return shape.order;
}

/** Begins anew when too much is remembered: keys that are data never repeat. */
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
