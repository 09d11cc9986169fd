import type { IncomingHttpHeaders } from "node:http";

/** A request as it arrived. */
export interface RawRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The answer of the leader to a request that this registry has forwarded. */
export class ForwardedAnswer {
  constructor(
    readonly status: number,
    readonly body: Buffer,
  ) {}
}
