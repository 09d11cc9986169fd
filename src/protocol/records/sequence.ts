const MAX_SEQUENCE = 2 ** 31 - 1;

/** The sequence number `delta` records later; Kafka's sequences wrap from 2^31-1 to 0. */
export function sequenceAfter(sequence: number, delta: number): number {
  const next = sequence + delta;
  return next > MAX_SEQUENCE ? next - MAX_SEQUENCE - 1 : next;
}
