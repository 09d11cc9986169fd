/**
 * What a client, or a producer, consumer or group member made from it, throws when it is used after it was closed: a bug
 * of its owner's, or a loop that should have ended. Trying again is no use.
 */
export class ClientClosedError extends Error {
  override readonly name = "ClientClosedError";

  /** @param what `The producer`, `The consumer of group connect-shop`, … */
  constructor(what: string) {
    super(`${what} was closed, and cannot be used any more`);
  }
}
