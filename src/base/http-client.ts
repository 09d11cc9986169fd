import type { Clock } from "../api/clock.js";

/** One request over HTTP. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  /** For the whole answer, including its body. */
  readonly timeoutMs: number;
}

/** The answer: any status, and the body, which may be empty. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Sends requests to other processes. A simulation of several workers has its own implementation. */
export interface HttpClient {
  /** Sends one request without following redirects. @throws Error when no complete answer arrives in time. */
  send(request: HttpRequest): Promise<HttpAnswer>;
}

/** HTTP over the system's sockets. Only this class calls `fetch` in `src` and `connectors`. */
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
