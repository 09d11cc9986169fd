import type { Clock } from "../api/clock.js";

/** A connector as it is POSTed: config/demo holds two. */
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
  readonly #url: string;
  readonly #clock: Clock;

  /** @param url `http://HOST:PORT` of any worker of the group. */
  constructor(url: string, clock: Clock) {
    this.#url = url;
    this.#clock = clock;
  }

  /** Creates a connector. @throws Error with the worker's message. */
  async create(request: ConnectorRequest): Promise<void> {
    const giveUpMs = this.#clock.monotonicMs() + CONFLICT_FOR_MS;
    for (;;) {
      const response = await fetch(`${this.#url}/connectors`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(request),
      });
      if (response.status === 201) {
        await response.body?.cancel();
        return;
      }
      const answer = await response.text();
      if (response.status !== 409 || this.#clock.monotonicMs() > giveUpMs) {
        throw new Error(`The worker refused connector ${request.name} with ${response.status}: ${answer}`);
      }
      await this.#clock.delay(200);
    }
  }

  /** One line per connector and task: its state, and what it waits for or why it failed, if anything. */
  async states(): Promise<{ readonly name: string; readonly state: string; readonly trace: string | undefined }[]> {
    const response = await fetch(`${this.#url}/connectors?expand=status`);
    if (!response.ok) throw new Error(`The worker answered ${response.status} when asked for its status`);
    const connectors = (await response.json()) as Readonly<Record<string, { readonly status: Status }>>;
    return Object.entries(connectors).flatMap(([name, { status }]) => [
      { name, state: status.connector.state, trace: status.connector.trace },
      ...status.tasks.map(({ id, state, trace }) => ({ name: `${name} task ${id}`, state, trace })),
    ]);
  }
}
