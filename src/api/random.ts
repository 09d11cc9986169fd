/** A source of randomness, passed in so that a test can replay it from a seed. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  integer(bound: number): number;
  /** A random (version 4) UUID in lower case. */
  uuid(): string;
  /** `count` random bytes; those of SystemRandom are suitable for cryptographic keys. */
  bytes(count: number): Buffer;
}
