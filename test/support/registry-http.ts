import type { HttpAnswer, HttpClient, HttpRequest } from "../../src/base/http-client.js";
import { MemoryRegistry } from "./registry.js";

/** Our registry in memory, as a client reaches it: its requests are kept, and may be answered otherwise. */
export class RegistryHttp implements HttpClient {
  /** `POST /subjects/t-value/versions`, in order. */
  readonly requests: string[] = [];
  readonly sent: HttpRequest[] = [];
  /** What the next requests meet instead of an answer: a status, another server's answer, or the error of a network. */
  readonly failures: (number | HttpAnswer | Error)[] = [];
  /** Answers of another registry, by path. */
  readonly answers = new Map<string, object>();

  private constructor(private readonly registry: MemoryRegistry) {}

  /** @param compatibility of all subjects. */
  static async open(compatibility = "NONE"): Promise<RegistryHttp> {
    const registry = await MemoryRegistry.open();
    await registry.call("PUT", "/config", { compatibility });
    return new RegistryHttp(registry);
  }

  async send(request: HttpRequest): Promise<HttpAnswer> {
    const { method, url, headers, body } = request;
    const path = `${url.pathname}${url.search}`;
    this.requests.push(`${method} ${path}`);
    this.sent.push(request);
    const failure = this.failures.shift();
    if (failure instanceof Error) throw failure;
    if (typeof failure === "object") return failure;
    if (failure !== undefined) return answered(failure, { error_code: failure, message: `HTTP ${failure}` });
    const other = this.answers.get(path);
    if (other) return answered(200, other);
    // The registry may stand below a path.
    const below = path.replace(/^\/sr(?=\/)/, "");
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const { status, text } = await this.registry.call(method, below, body?.toString(), lower);
    return { status, body: Buffer.from(text) };
  }

  /** Registers a schema, as another client would. */
  async register(subject: string, schema: string, more: object = {}): Promise<void> {
    await this.registry.register(subject, schema, more);
  }
}

function answered(status: number, body: object): HttpAnswer {
  return { status, body: Buffer.from(JSON.stringify(body)) };
}
