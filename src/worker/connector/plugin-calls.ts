import {
  type Clock,
  type ConfigDef,
  type Props,
  RetriableError,
  type SinkOffset,
  type SourceOffset,
  type Support,
} from "../../api/index.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import type { LevelSettings } from "../../base/log/log-levels.js";
import type { NamedLogger } from "../../base/logger.js";
import type { ThreadLoad } from "../../base/metrics/thread-load.js";
import { errorOf } from "../host/failure.js";
import { writeForwarded } from "../host/forwarding-logger.js";
import { HostPulse } from "../host/host-pulse.js";

import type { PluginFacts } from "../plugins/named-plugins.js";
import type { HostSnapshot, PluginRef, PluginValidation, TransactionQuestion } from "../worker.js";
import type { ConnectorCall, ConnectorReport } from "./connector-host-messages.js";
import { laterLink } from "./later-link.js";
import type { ConnectorHostLink, OpenConnectorHost } from "./open-connector-host.js";
import { PluginRun, type PluginRunEvents } from "./plugin-run.js";

export interface PluginCallsParts {
  readonly open: OpenConnectorHost;
  /** `task.host.timeout.ms`: a host that does not answer for this long is replaced. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: NamedLogger;
}

/** For the calls of `configOf`, `validate` and `alterOffsets`: their callers get a failure as the answer. */
const UNHEARD: PluginRunEvents = { reconfigure() {}, retention() {}, failed() {} };

/** Time for a plugin to list its keys, validate values or judge offsets. REST gives up after 90 s. */
const ANSWER_MS = 60_000;

/** Time for the end of a lost host's thread. One that is stuck outside of JavaScript may never end. */
const ENDING_MS = 10_000;

interface Host {
  readonly link: ConnectorHostLink;
  readonly pulse: HostPulse | undefined;
  /** The index files whose loading has begun, by owner. */
  readonly entries: Map<number, string>;
  /** The owner of the index file that is loading; 0 once all are loaded. */
  loading: number;
  ready: boolean;
  load: ThreadLoad | undefined;
}

/**
 * The worker's calls into connectors and validating plugins. Opens the one host that runs them on first use, and
 * watches it. If the host dies in a plugin's code, that connector or question fails and all others move to a new host:
 * the host notes whose code it runs.
 */
export class PluginCalls {
  readonly #runs = new Map<number, PluginRun>();
  readonly #leftOut: string[] = [];
  readonly #loaded: Deferred<PluginFacts> = deferred();
  #loadWanted = false;
  #host: Host | undefined;
  /** The end of the lost host's thread. */
  #ending: Promise<void> | undefined;
  #closed = false;
  #nextRun = 1;
  #nextRequest = 1;

  constructor(private readonly parts: PluginCallsParts) {}

  /** Index files of plugins that killed a host. No host may load them. */
  get leftOut(): readonly string[] {
    return this.#leftOut;
  }

  /** Opens the host if needed; resolves with the plugins it loaded. @throws RetriableError CONNECTOR_HOST_LOST */
  loaded(): Promise<PluginFacts> {
    this.#loadWanted = true;
    this.#opened();
    return this.#loaded.promise;
  }

  /** Opens a connector's run, without calling it yet. */
  connector(name: string, className: string, events: PluginRunEvents): PluginRun {
    return this.#open(`connector ${name} (${className})`, events);
  }

  /** As `Worker.configOf`. */
  async configOf(plugin: PluginRef): Promise<ConfigDef> {
    return (await this.#ask(plugin.className, { method: "config", plugin })) as ConfigDef;
  }

  /** As `Worker.validate`. */
  async validate(plugin: PluginRef, props: Readonly<Record<string, string | null>>): Promise<PluginValidation> {
    return (await this.#ask(plugin.className, { method: "validate", plugin, props })) as PluginValidation;
  }

  /** As `Worker.alterOffsets`. */
  async alterOffsets(
    className: string,
    props: Props,
    offsets: readonly SourceOffset[] | readonly SinkOffset[],
  ): Promise<boolean> {
    return (await this.#ask(className, { method: "alterOffsets", className, props, offsets })) as boolean;
  }

  /** As `Worker.transactionSupport`. */
  async transactionSupport(question: TransactionQuestion, className: string, props: Props): Promise<Support | null> {
    return (await this.#ask(className, { method: question, className, props })) as Support | null;
  }

  /** The host, unless none is open. */
  snapshot(): HostSnapshot | undefined {
    if (!this.#host) return undefined;
    const { ready, pulse, load } = this.#host;
    return { name: "connectors", kind: "connectors", answering: ready, tasks: 0, silentMs: pulse?.silentMs ?? 0, load };
  }

  setLogLevels(levels: LevelSettings): void {
    this.#host?.link.send({ type: "levels", levels });
  }

  async close(): Promise<void> {
    this.#closed = true;
    // Also a connector that hangs in `start`, stopped or cancelled by now: a REST request may wait for it.
    for (const run of [...this.#runs.values()]) run.end(new Error("The worker is closing"));
    const host = this.#host;
    this.#host = undefined;
    host?.pulse?.stop();
    await Promise.all([host?.link.close(), this.#ending]);
  }

  async #ask(className: string, call: ConnectorCall): Promise<unknown> {
    const run = this.#open(`${className} (${call.method})`, UNHEARD);
    const timer = this.parts.clock.schedule(ANSWER_MS, () => {
      const message = `${run.label} has not answered for ${ANSWER_MS / 1000} s: it hangs, or waits for an external system`;
      run.lose(new RetriableError("VALIDATION_UNANSWERED", message));
    });
    try {
      return await run.call(call);
    } finally {
      timer.cancel();
      run.drop();
    }
  }

  #open(label: string, events: PluginRunEvents): PluginRun {
    const number = this.#nextRun++;
    const run = new PluginRun(number, label, events, {
      nextRequest: () => this.#nextRequest++,
      send: (command) => {
        if (!this.#closed) this.#opened().link.send(command);
      },
      drop: () => {
        if (this.#runs.delete(number)) this.#host?.link.send({ type: "drop", run: number });
      },
    });
    this.#runs.set(number, run);
    return run;
  }

  #opened(): Host {
    if (this.#host) return this.#host;
    const { open, clock, timeoutMs } = this.parts;
    const opens = () =>
      open(this.#leftOut, {
        report: (report) => this.#hear(host, report),
        ended: (reason) => this.#lose(host, reason),
      });
    const link = this.#ending ? laterLink(this.#ending, opens) : opens();
    const pulse =
      link.owner &&
      new HostPulse({
        clock,
        timeoutMs,
        ask: () => link.send({ type: "ping" }),
        // An import that never ends leaves the timers of other owners running, so the current owner may be another one.
        silent: (reason) => this.#lose(host, reason, host.loading || ownerOf(link)),
      });
    const host: Host = { link, pulse, entries: new Map(), loading: 0, ready: false, load: undefined };
    this.#host = host;
    return host;
  }

  #hear(host: Host, report: ConnectorReport): void {
    if (this.#host !== host) return;
    host.pulse?.heard();
    if (report.type !== "log") host.pulse?.started();
    switch (report.type) {
      case "loading":
        host.entries.set(report.owner, report.entry);
        host.loading = report.owner;
        break;
      case "ready":
        host.loading = 0;
        host.ready = true;
        this.#loaded.resolve(report.plugins);
        break;
      case "log":
        writeForwarded(report, this.parts.logger);
        break;
      case "fatal":
        this.#lose(host, report.reason);
        break;
      case "answer": {
        const run = this.#runs.get(report.run);
        if (report.failure) run?.reject(report.request, errorOf(report.failure));
        else run?.resolve(report.request, report.value);
        break;
      }
      case "reconfigure":
        this.#runs.get(report.run)?.events.reconfigure();
        break;
      case "retention":
        this.#runs.get(report.run)?.events.retention(report.retention);
        break;
      case "failed": {
        const run = this.#runs.get(report.run);
        const error = errorOf(report.failure);
        if (report.uncaught) run?.lose(error);
        else run?.fail(error);
        break;
      }
      case "pong":
        host.load = report.load;
        break;
    }
  }

  /** Connectors start again elsewhere: not while the old thread may still run them. Never rejects. */
  async #ended(link: ConnectorHostLink): Promise<void> {
    const { clock, logger } = this.parts;
    const late = new AbortController();
    const closed = link
      .close()
      .catch((cause) => logger.warn("The connectors' host did not end cleanly", {}, cause))
      .then(() => true);
    const hasEnded = await Promise.race([closed, clock.delay(ENDING_MS, late.signal).then(() => false)]);
    late.abort();
    if (!hasEnded) logger.warn("The lost connectors' host has not ended; its successor runs beside it");
  }

  #lose(host: Host, reason: string, owner = ownerOf(host.link) || host.loading): void {
    if (this.#host !== host) return;
    const { logger } = this.parts;
    this.#host = undefined;
    host.pulse?.stop();
    const ending = this.#ended(host.link);
    this.#ending = ending;
    void ending.then(() => {
      if (this.#ending === ending) this.#ending = undefined;
    });
    const entry = host.entries.get(owner);
    const culprit = entry ?? this.#runs.get(owner)?.label;
    logger.error("The connectors' host is lost", { reason, during: culprit });
    if (entry !== undefined) {
      this.#leftOut.push(entry);
      logger.error("A plugin cannot be loaded and is left out", { path: entry, reason });
    }
    const during = culprit === undefined ? "" : ` in the code of ${culprit}`;
    const error = new RetriableError("CONNECTOR_HOST_LOST", `The connectors' host was lost${during}: ${reason}`);
    for (const run of [...this.#runs.values()]) {
      // With no culprit known, all fail: restarting them could kill the next host, and so on for ever.
      if (owner === 0 || run.number === owner) run.die(error);
      else run.move();
    }
    if (!this.#loadWanted || this.#loaded.settled) return;
    if (entry === undefined) this.#loaded.reject(error);
    else this.#opened();
  }
}

function ownerOf({ owner }: ConnectorHostLink): number {
  return owner?.() ?? 0;
}
