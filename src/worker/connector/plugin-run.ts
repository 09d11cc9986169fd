import { type Deferred, deferred } from "../../base/deferred.js";
import type { ConnectorCall, ConnectorCommand, StartCall } from "./connector-host-messages.js";

export interface PluginRunEvents {
  /** The connector asks for its task configs to be worked out again. */
  reconfigure(): void;
  /** The connector has failed outside a call: it said so, threw where nothing catches, or took its host along. */
  failed(error: Error): void;
}

interface PluginRunParts {
  nextRequest(): number;
  /** To the host that there is, or to a new one. */
  send(command: ConnectorCommand): void;
  drop(): void;
}

interface Pending {
  readonly call: ConnectorCall;
  readonly answer: Deferred<unknown>;
  sent: boolean;
}

/** One connector object, or one question to a plugin: its calls, which outlive the host that carries them. */
export class PluginRun {
  readonly #pending = new Map<number, Pending>();
  /** How to make the connector again in a new host; undefined unless it runs. */
  #start: StartCall | undefined;
  #hasFailed = false;
  /** The host has an object of this run, or is about to make it. */
  #hasObject = false;
  /** Calls wait for it: the connector is started again in a new host. */
  #revived: Promise<void> = Promise.resolve();

  constructor(
    readonly number: number,
    /** For messages: who it is. */
    readonly label: string,
    readonly events: PluginRunEvents,
    private readonly parts: PluginRunParts,
  ) {}

  /** @throws what the plugin throws, and RetriableError CONNECTOR_HOST_LOST when it took the host along */
  async call(call: ConnectorCall): Promise<unknown> {
    if (call.method === "stop" && !this.#hasObject) return undefined;
    if (call.method === "start") this.#hasFailed = false;
    const request = this.parts.nextRequest();
    const answer = deferred<unknown>();
    this.#pending.set(request, { call, answer, sent: false });
    await this.#revived;
    // Not before: a revival that was under way has just noted how to start it.
    if (call.method === "stop") this.#start = undefined;
    this.#send(request);
    const value = await answer.promise;
    if (call.method === "start" && !this.#hasFailed) this.#start = call;
    return value;
  }

  /** The run is over; what its plugin still says is not heard. */
  drop(): void {
    this.parts.drop();
  }

  resolve(request: number, value: unknown): void {
    this.#take(request)?.answer.resolve(value);
  }

  reject(request: number, error: Error): void {
    this.#take(request)?.answer.reject(error);
  }

  /** The connector has raised an error. */
  fail(error: Error): void {
    this.#hasFailed = true;
    this.#start = undefined;
    this.events.failed(error);
  }

  /** The host has died of its code. */
  die(error: Error): void {
    this.#hasObject = false;
    this.lose(error);
  }

  /** No call that it has made will be answered. */
  lose(error: Error): void {
    for (const { answer } of this.#pending.values()) answer.reject(error);
    this.#pending.clear();
    this.fail(error);
  }

  /** Its host has died of another one's code: goes on in a new host, where it is started first if it ran. */
  move(): void {
    this.#hasObject = false;
    const start = this.#start;
    this.#start = undefined;
    const again = [...this.#pending].filter(([, { sent }]) => sent);
    for (const [, pending] of again) pending.sent = false;
    if (start) this.#revived = this.#revive(start);
    for (const [request, { call }] of again) {
      // The object to be stopped is gone with its host; and a start, of which the others may wait, waits for nothing.
      if (call.method === "stop") this.resolve(request, undefined);
      else if (call.method === "start") this.#send(request);
      else void this.#revived.then(() => this.#send(request));
    }
  }

  async #revive(start: StartCall): Promise<void> {
    const request = this.parts.nextRequest();
    const answer = deferred<unknown>();
    this.#pending.set(request, { call: start, answer, sent: false });
    this.#send(request);
    try {
      await answer.promise;
      if (!this.#hasFailed) this.#start = start;
      // What it would have asked for meanwhile, it could not.
      this.events.reconfigure();
    } catch (error) {
      this.lose(error as Error);
    }
  }

  #send(request: number): void {
    const pending = this.#pending.get(request);
    if (!pending || pending.sent) return;
    pending.sent = true;
    if (pending.call.method === "start") this.#hasObject = true;
    this.parts.send({ type: "call", request, run: this.number, call: pending.call });
  }

  #take(request: number): Pending | undefined {
    const pending = this.#pending.get(request);
    this.#pending.delete(request);
    return pending;
  }
}
