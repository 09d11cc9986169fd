import { checkAnswer } from "./openapi-check.js";

/** An answer of REST with its parsed body, for any status. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/**
 * A client of Kafka Connect's REST API, independent of the product's. Every answer of ours must be one that the OpenAPI
 * document describes.
 */
export class RestClient {
  /** @param checks false for the real Kafka Connect, whose answers that document does not describe. */
  constructor(
    readonly url: string,
    private readonly checks = true,
  ) {}

  get(path: string): Promise<RestAnswer> {
    return this.send("GET", path);
  }

  post(path: string, body?: unknown): Promise<RestAnswer> {
    return this.send("POST", path, body);
  }

  put(path: string, body?: unknown): Promise<RestAnswer> {
    return this.send("PUT", path, body);
  }

  delete(path: string): Promise<RestAnswer> {
    return this.send("DELETE", path);
  }

  async send(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return this.sendText(method, path, text, text === undefined ? {} : { "Content-Type": "application/json" });
  }

  async sendText(
    method: string,
    path: string,
    text: string | undefined,
    headers: Record<string, string> = { "Content-Type": "application/json" },
  ): Promise<RestAnswer> {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers,
      ...(text !== undefined && { body: text }),
    });
    const answer = await response.text();
    const body = answer.startsWith("{") || answer.startsWith("[") ? JSON.parse(answer) : answer;
    if (this.checks && !["HEAD", "OPTIONS"].includes(method)) checkAnswer(method, path, response.status, body);
    return { status: response.status, headers: response.headers, body };
  }

  /** Creates a connector. @throws Error with the answer unless it is 201 */
  async create(name: string, config: Readonly<Record<string, string>>, initialState?: string): Promise<void> {
    const answer = await this.post("/connectors", {
      name,
      config,
      ...(initialState && { initial_state: initialState }),
    });
    if (answer.status !== 201)
      throw new Error(`POST ${name} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
}
