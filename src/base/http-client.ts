import type { Clock } from "../api/clock.js";

/** One request over HTTP. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  /** For the whole answer, its body included. */
  readonly timeoutMs: number;
}

/** Its answer: any status, and the body's bytes, which may be none. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Requests to other processes: a port, so that a simulation of several workers can carry them. */
export interface HttpClient {
  /** Sends one request; redirects are not followed. @throws Error when it was not answered in time, or not whole. */
  send(request: HttpRequest): Promise<HttpAnswer>;
}

/** HTTP over the system's sockets. The only place in `src` and `connectors` that calls `fetch`. */
export class SystemHttpClient implements HttpClient {
  constructor(private readonly clock: Clock) {}

  async send({ url, method, headers, body, timeoutMs }: HttpRequest): Promise<HttpAnswer> {
    const overdue = new AbortController();
    const timer = this.clock.schedule(timeoutMs, () =>
      overdue.abort(new Error(`${url.origin} did not answer within ${timeoutMs} ms`)),
    );
    try {
      const signal = overdue.signal;
      const response = await fetch(url, { method, headers, redirect: "manual", signal, ...(body && { body }) });
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
    } finally {
      timer.cancel();
    }
  }
}
