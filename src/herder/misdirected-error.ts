/**
 * Another worker must do this: the leader, or the owner of a connector or task. REST forwards the request there, so
 * inside this worker it is an answer, not a failure.
 */
export class MisdirectedError extends Error {
  override readonly name = "MisdirectedError";
  constructor(
    /** The other worker's advertised URL, or undefined while unknown. */
    readonly url: string | undefined,
    what: string,
  ) {
    super(
      url === undefined
        ? `Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.`
        : `${what} is done by the worker at ${url}`,
    );
  }
}
