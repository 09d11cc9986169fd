import type { ServerResponse } from "node:http";
import { writeExactJson } from "../../base/exact-json.js";
import { MEDIA_TYPE } from "../../contract/rest-api.js";

/** The answer to a request. */
export class RestResponse {
  constructor(private readonly response: ServerResponse) {}

  get headersSent(): boolean {
    return this.response.headersSent;
  }

  status(code: number): this {
    this.response.statusCode = code;
    return this;
  }

  setHeader(name: string, value: string): this {
    this.response.setHeader(name, value);
    return this;
  }

  /** Adds a value to those that the header has. */
  appendHeader(name: string, value: string): this {
    this.response.appendHeader(name, value);
    return this;
  }

  /**
   * Answers in Kafka Connect's form: the media type has no charset, integers beyond 2^53 stay exact, and characters beyond
   * the basic plane are escaped.
   */
  json(body: unknown): void {
    this.setHeader("Content-Type", MEDIA_TYPE);
    this.send(Buffer.from(writeExactJson(body)));
  }

  send(body: Buffer): void {
    const { response } = this;
    response.setHeader("Content-Length", body.length);
    if (response.req.method === "HEAD") response.end();
    else response.end(body);
  }

  /** Answers without a body. */
  end(): void {
    this.response.end();
  }

  /** Ends the connection: the client must not take half an answer for a whole one. */
  cut(): void {
    this.response.socket?.destroy();
  }
}
