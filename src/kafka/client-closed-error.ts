/**
 * Thrown by a closed client, or by a closed producer, consumer or group member. It means a bug of the owner, or a loop
 * that should have ended; retrying does not help.
 */
export class ClientClosedError extends Error {
  override readonly name = "ClientClosedError";

  /** @param what `The producer`, `The consumer of group connect-shop`, … */
  constructor(what: string) {
    super(`${what} was closed and can no longer be used`);
  }
}
