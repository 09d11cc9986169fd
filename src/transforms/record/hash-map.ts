import { type ConnectValue, javaHashOrder } from "../../api/index.js";
import type { PlainMap } from "./value-shape.js";

/**
 * A map in the order of a java.util.HashMap, in which transformations return maps: their order reaches the bytes of a
 * record's key, and with them its partition.
 *
 * @param capacity the argument of HashMap's constructor.
 */
export function hashMap(entries: readonly (readonly [ConnectValue, ConnectValue])[], capacity = 16): PlainMap {
  const order = javaHashOrder(
    entries.map(([key]) => key),
    tableSize(capacity),
  );
  return new Map(order.map((at) => entries[at]!));
}

/** `new HashMap<>(map)`, then a `put` of each change. */
export function changedMap(map: PlainMap, changes: readonly (readonly [string, ConnectValue])[]): PlainMap {
  const changed = new Map(map);
  for (const [key, value] of changes) changed.set(key, value);
  return hashMap([...changed], map.size === 0 ? 16 : map.size / 0.75 + 1);
}

/** HashMap's table for this capacity: the next power of two. */
function tableSize(capacity: number): number {
  let size = 1;
  while (size < Math.floor(capacity)) size *= 2;
  return size;
}
