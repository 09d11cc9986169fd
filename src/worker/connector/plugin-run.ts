import type { SourceRetention } from "../../api/index.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import type { ConnectorCall, ConnectorCommand, StartCall } from "./connector-host-messages.js";

export interface PluginRunEvents {
  /** The connector requests new task configs. */
  reconfigure(): void;
  /** The connector reports what its source keeps. */
  retention(retention: SourceRetention | null): void;
  /** The connector has failed outside a call: it raised an error, threw where nothing catches, or killed its host. */
  failed(error: Error): void;
}

interface PluginRunParts {
  nextRequest(): number;
  /** To the current host, or to a new one. */
  send(command: ConnectorCommand): void;
  drop(): void;
}

interface Pending {
  readonly call: ConnectorCall;
  readonly answer: Deferred<unknown>;
  sent: boolean;
}

/** The calls of one connector object or one question to a plugin. They outlive the host that runs them. */
export class PluginRun {
  readonly #pending = new Map<number, Pending>();
  /** The call that creates the connector again in a new host; undefined unless it runs. */
  #start: StartCall | undefined;
  #hasFailed = false;
  /** The connector is no longer wanted: it may finish its call and stop, but not start again in another host. */
  #isCancelled = false;
  /** The host has an object of this run, or is about to create it. */
  #hasObject = false;
  /** Why no call is answered any more. */
  #ended: Error | undefined;
  /** Pending while the connector starts again in a new host; calls wait for it. */
  #revived: Promise<void> = Promise.resolve();

  constructor(
    readonly number: number,
    /** For messages: the connector or plugin. */
    readonly label: string,
    readonly events: PluginRunEvents,
    private readonly parts: PluginRunParts,
  ) {}

  /** @throws the plugin's error; RetriableError CONNECTOR_HOST_LOST if it killed the host */
  async call(call: ConnectorCall): Promise<unknown> {
    if (this.#ended) throw this.#ended;
    if (call.method === "stop" && !this.#hasObject) return undefined;
    if (call.method === "start") this.#hasFailed = false;
    const request = this.parts.nextRequest();
    const answer = deferred<unknown>();
    this.#pending.set(request, { call, answer, sent: false });
    await this.#revived;
    // Only here: a revival under way has just set `#start` again.
    if (call.method === "stop") this.#start = undefined;
    this.#send(request);
    const value = await answer.promise;
    if (call.method === "start" && !this.#hasFailed && !this.#isCancelled) this.#start = call;
    return value;
  }

  /** The connector is unwanted from now on, even while it hangs in a call: it must not start in another host. */
  cancel(): void {
    this.#isCancelled = true;
    this.#start = undefined;
  }

  /** The run is over; later reports of its plugin are ignored. */
  drop(): void {
    this.parts.drop();
  }

  resolve(request: number, value: unknown): void {
    this.#take(request)?.answer.resolve(value);
  }

  reject(request: number, error: Error): void {
    this.#take(request)?.answer.reject(error);
  }

  /** The connector raised an error. */
  fail(error: Error): void {
    this.#hasFailed = true;
    this.#start = undefined;
    this.events.failed(error);
  }

  /** Its code killed the host. */
  die(error: Error): void {
    this.#hasObject = false;
    this.lose(error);
  }

  /** None of its pending calls will get an answer. */
  lose(error: Error): void {
    for (const { answer } of this.#pending.values()) answer.reject(error);
    this.#pending.clear();
    this.fail(error);
  }

  /** The worker closes: pending calls are rejected, and the plugin is not called again. */
  end(error: Error): void {
    this.#ended = error;
    for (const { answer } of this.#pending.values()) answer.reject(error);
    this.#pending.clear();
    this.cancel();
  }

  /** Another run's code killed the host: continues in a new host, and starts the connector there if it ran. */
  move(): void {
    if (this.#isCancelled) {
      this.die(new Error(`${this.label} was cancelled, and is gone with its host`));
      return;
    }
    this.#hasObject = false;
    const start = this.#start;
    this.#start = undefined;
    const again = [...this.#pending].filter(([, { sent }]) => sent);
    for (const [, pending] of again) pending.sent = false;
    if (start) this.#revived = this.#revive(start);
    for (const [request, { call }] of again) {
      // The object to stop died with its host. A pending start goes first, because the other calls may depend on it.
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
      if (!this.#hasFailed && !this.#isCancelled) this.#start = start;
      // It could not request a reconfiguration while it had no host.
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
