import type { Clock } from "../api/clock.js";
import type { HttpClient } from "../base/http-client.js";
import { MEDIA_TYPE, REQUEST_TIMEOUT_MS } from "../contract/rest-api.js";

/** The body of POST /connectors: config/demo holds two. */
export interface ConnectorRequest {
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
}

interface Status {
  readonly connector: { readonly state: string; readonly trace?: string };
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly trace?: string }[];
}

/** The group may be rebalancing for a moment. */
const CONFLICT_FOR_MS = 15_000;

/** The few calls of Kafka Connect's REST interface that the demo makes, as any client makes them. */
export class ConnectRest {
  /** @param url `http://HOST:PORT` of any worker of the group. */
  constructor(
    private readonly url: string,
    private readonly clock: Clock,
    private readonly http: HttpClient,
  ) {}

  /** Creates a connector. @throws Error with the worker's message. */
  async create(request: ConnectorRequest): Promise<void> {
    const giveUpMs = this.clock.monotonicMs() + CONFLICT_FOR_MS;
    for (;;) {
      const { status, body } = await this.http.send({
        url: new URL("/connectors", this.url),
        method: "POST",
        headers: { "content-type": MEDIA_TYPE },
        body: Buffer.from(JSON.stringify(request)),
        timeoutMs: REQUEST_TIMEOUT_MS,
      });
      if (status === 201) return;
      if (status !== 409 || this.clock.monotonicMs() > giveUpMs) {
        throw new Error(`The worker refused connector ${request.name} with ${status}: ${body.toString()}`);
      }
      await this.clock.delay(200);
    }
  }

  /** One line per connector and task: its state, and the reason if it waits or failed. */
  async states(): Promise<{ readonly name: string; readonly state: string; readonly trace: string | undefined }[]> {
    const { status: code, body } = await this.http.send({
      url: new URL("/connectors?expand=status", this.url),
      method: "GET",
      headers: {},
      timeoutMs: REQUEST_TIMEOUT_MS,
    });
    if (code !== 200) throw new Error(`The worker answered ${code} when asked for its status`);
    const connectors = JSON.parse(body.toString()) as Readonly<Record<string, { readonly status: Status }>>;
    return Object.entries(connectors).flatMap(([name, { status }]) => [
      { name, state: status.connector.state, trace: status.connector.trace },
      ...status.tasks.map(({ id, state, trace }) => ({ name: `${name} task ${id}`, state, trace })),
    ]);
  }
}
