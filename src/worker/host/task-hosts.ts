import { availableParallelism } from "node:os";
import type { Clock, Logger, Props } from "../../api/index.js";
import { mustRun } from "../../base/command-loop.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import type { LevelSettings } from "../../base/log/log-levels.js";
import type { ThreadLoad } from "../../base/metrics/thread-load.js";
import type { HostSnapshot, TaskMetrics } from "../worker.js";
import { isolationOf, type WorkerSettings } from "../worker-config.js";
import type { HostKind, HostLink, OpenHost } from "./host-link.js";
import { assignHost } from "./host-placement.js";
import { HostPulse } from "./host-pulse.js";
import type { HostCommand, HostReport } from "./task-host-messages.js";

export interface TaskHostsParts {
  readonly settings: WorkerSettings;
  readonly open: OpenHost;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A report that TaskHosts does not handle itself. */
  readonly report: (host: number, report: HostReport) => void;
  /**
   * The host is gone with all its tasks: its thread has ended. Its number is not reused.
   *
   * @param owner the run whose code it ran last; 0 for nobody's.
   */
  readonly ended: (host: number, reason: string, owner: number) => void;
}

interface Host {
  readonly number: number;
  readonly kind: HostKind;
  readonly link: HostLink;
  tasks: number;
  ready: boolean;
  readonly pulse: HostPulse | undefined;
  /** As of its last answer. */
  lastMetrics: { readonly tasks: readonly TaskMetrics[]; readonly load?: ThreadLoad };
}

const METRICS_WAIT_MS = 1000;

/**
 * The task hosts of a worker: opens them on demand, spreads tasks over them, checks every two seconds that each
 * answers, and drops those that end or stay silent. Keeps no state of tasks except their number.
 */
export class TaskHosts {
  readonly #hosts = new Map<number, Host>();
  readonly #metrics = new Map<number, { readonly waiting: Set<number>; readonly done: Deferred<void> }>();
  #nextHost = 0;
  #nextRequest = 1;

  constructor(private readonly parts: TaskHostsParts) {}

  /** Finds or opens the host for one more task of the connector and counts the task. @throws ConfigError */
  take(connectorProps: Props): number {
    const { settings } = this.parts;
    const { isolation, heapMb } = isolationOf(settings, connectorProps);
    let host: Host | undefined;
    if (isolation === "none") {
      host = [...this.#hosts.values()].find(({ kind }) => kind === "in-process") ?? this.#open("in-process", heapMb);
    } else if (isolation === "dedicated") {
      host = this.#open("dedicated", heapMb);
    } else {
      const shared = [...this.#hosts.values()].filter(({ kind }) => kind === "shared");
      const limit = settings["task.hosts"] || Math.max(1, availableParallelism() - 1);
      const number = assignHost(
        shared.map(({ number, tasks }) => ({ host: number, tasks })),
        limit,
      );
      host = (number === undefined ? undefined : this.#hosts.get(number)) ?? this.#open("shared", heapMb);
    }
    host.tasks++;
    return host.number;
  }

  send(host: number, command: HostCommand): void {
    this.#hosts.get(host)?.link.send(command);
  }

  /** A task of the host is over. A dedicated host ends with its task. */
  release(host: number): void {
    const found = this.#hosts.get(host);
    if (!found) return;
    found.tasks--;
    if (found.kind === "dedicated") void this.#drop(found);
  }

  snapshot(): HostSnapshot[] {
    return [...this.#hosts.values()].map(({ number, kind, ready, tasks, pulse, lastMetrics }) => ({
      name: `host-${number}`,
      kind,
      answering: ready,
      tasks,
      silentMs: pulse?.silentMs ?? 0,
      load: lastMetrics.load,
    }));
  }

  /** Counters of all tasks, by host: current ones of hosts that answer within a second, the last known of others. */
  async metrics(): Promise<(readonly [host: number, tasks: readonly TaskMetrics[]])[]> {
    const request = this.#nextRequest++;
    const asked = { waiting: new Set(this.#hosts.keys()), done: deferred() };
    if (asked.waiting.size === 0) return [];
    this.#metrics.set(request, asked);
    const timer = this.parts.clock.schedule(METRICS_WAIT_MS, () => asked.done.resolve());
    for (const host of this.#hosts.values()) host.link.send({ type: "metrics", request });
    await asked.done.promise;
    timer.cancel();
    this.#metrics.delete(request);
    return [...this.#hosts].map(([host, { lastMetrics }]) => [host, lastMetrics.tasks]);
  }

  setLogLevels(levels: LevelSettings): void {
    for (const { link } of this.#hosts.values()) link.send({ type: "levels", levels });
  }

  async close(): Promise<void> {
    const hosts = [...this.#hosts.values()];
    this.#hosts.clear();
    for (const { pulse } of hosts) pulse?.stop();
    await Promise.all(hosts.map(({ link }) => link.close()));
  }

  #open(kind: HostKind, heapMb: number): Host {
    const number = this.#nextHost++;
    const { clock, open, settings } = this.parts;
    const link = open(number, kind, heapMb, {
      report: (report) => this.#hear(number, report),
      ended: (reason) => this.#lose(number, reason),
    });
    const inProcess = kind === "in-process";
    const pulse = inProcess
      ? undefined
      : new HostPulse({
          clock,
          timeoutMs: settings["task.host.timeout.ms"],
          ask: () => link.send({ type: "metrics", request: 0 }),
          silent: (reason) => this.#lose(number, reason),
        });
    const host: Host = { number, kind, link, tasks: 0, ready: inProcess, pulse, lastMetrics: { tasks: [] } };
    this.#hosts.set(number, host);
    return host;
  }

  #hear(number: number, report: HostReport): void {
    const host = this.#hosts.get(number);
    if (!host) return;
    // Plugins may log while they are loaded.
    if (report.type !== "log") {
      host.ready = true;
      host.pulse?.started();
    }
    host.pulse?.heard();
    if (report.type === "ready") return;
    if (report.type !== "metrics") {
      this.parts.report(number, report);
      return;
    }
    host.lastMetrics = report;
    this.parts.report(number, report);
    const asked = this.#metrics.get(report.request);
    if (!asked) return;
    asked.waiting.delete(number);
    if (asked.waiting.size === 0) asked.done.resolve();
  }

  #lose(number: number, reason: string): void {
    const host = this.#hosts.get(number);
    if (!host) return;
    this.parts.logger.error("A task host is lost", { host: number, tasks: host.tasks, reason });
    const owner = host.link.owner?.() ?? 0;
    // Its other tasks start again elsewhere: not while this thread might still run them. (I4)
    mustRun(
      "The end of a task host",
      this.#drop(host).then(() => this.parts.ended(number, reason, owner)),
    );
  }

  async #drop(host: Host): Promise<void> {
    this.#hosts.delete(host.number);
    host.pulse?.stop();
    for (const asked of this.#metrics.values()) {
      asked.waiting.delete(host.number);
      if (asked.waiting.size === 0) asked.done.resolve();
    }
    try {
      await host.link.close();
    } catch (cause) {
      this.parts.logger.warn("A task host did not end cleanly", { host: host.number }, cause);
    }
  }
}
