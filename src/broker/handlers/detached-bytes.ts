/** Copies bytes that outlive their request: a slice would keep the whole frame in memory. */
export function copyOf(slice: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(slice.length);
  slice.copy(copy);
  return copy;
}
