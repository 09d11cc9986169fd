import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { ConnectionOptions } from "node:tls";
import type { Clock } from "../api/clock.js";
import { deferred } from "./deferred.js";

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

/** HTTP over the system's sockets, with a connection for each request, as between Kafka Connect's workers. */
export class SystemHttpClient implements HttpClient {
  /** @param tls whom to trust, and this process's own certificate, for URLs with https; by default as Node does. */
  constructor(
    private readonly clock: Clock,
    private readonly tls: () => ConnectionOptions = () => ({}),
  ) {}

  async send({ url, method, headers, body, timeoutMs }: HttpRequest): Promise<HttpAnswer> {
    const answered = deferred<HttpAnswer>();
    const read = (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", answered.reject);
      response.on("end", () => answered.resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    };
    const options = { method, headers, agent: false } as const;
    const request =
      url.protocol === "https:"
        ? httpsRequest(url, { ...this.tls(), ...options }, read)
        : httpRequest(url, options, read);
    request.on("error", answered.reject);
    const timer = this.clock.schedule(timeoutMs, () => {
      answered.reject(new Error(`${url.origin} did not answer within ${timeoutMs} ms`));
      request.destroy();
    });
    try {
      request.end(body);
      return await answered.promise;
    } finally {
      timer.cancel();
    }
  }
}
