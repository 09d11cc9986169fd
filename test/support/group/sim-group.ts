import { isDeepStrictEqual } from "node:util";
import type { Props } from "../../../src/api/index.js";
import { SimClock } from "../../../src/base/clock.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { TargetState } from "../../../src/contract/target-state.js";
import type { ConnectProtocol } from "../../../src/herder/membership/group-messages.js";
import { ConfigFold, type ConfigSnapshot } from "../../../src/stores/config-fold.js";
import { OffsetFold } from "../../../src/stores/offset-fold.js";
import { BrokerLink } from "./broker-link.js";
import { ClientOps, type ConnectorRecord } from "./client-ops.js";
import { groupBroker } from "./group-broker.js";
import type { PlantedBug } from "./planted-bugs.js";
import { type ProcessHome, SimProcess } from "./sim-process.js";
import { SimTopic, type Trouble } from "./sim-topic.js";

export interface SimGroupOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly protocol: ConnectProtocol;
  readonly maxRebalanceDelayMs: number;
  readonly bug?: PlantedBug | undefined;
  /** Called with all that happens, for whoever looks for the cause of a fault. */
  readonly trace?: ((line: string) => void) | undefined;
}

/** The connectors that a history may have. */
export const CONNECTORS: readonly string[] = ["a", "b", "c"];

/** Longer than any delay of a rebalance and any backoff that a history can leave behind. */
const SETTLE_LIMIT_MS = 300_000;

/** Workers of one group on simulated machines, with a broker in memory. Its rules note every fault that they see. */
export class SimGroup implements ProcessHome {
  readonly clock = new SimClock();
  readonly random: SeededRandom;
  readonly topics: ProcessHome["topics"];
  readonly protocol: ConnectProtocol;
  readonly maxRebalanceDelayMs: number;
  readonly bug: PlantedBug | undefined;
  readonly trouble: Trouble = { refused: 0, answerLost: 0, late: 0 };
  readonly links: readonly BrokerLink[];
  /** By node; undefined while it is down. */
  readonly processes: (SimProcess | undefined)[];
  readonly ops: ClientOps;
  /** The first broken rule. */
  fault: string | undefined;
  /** Chance that a task fails when it starts. */
  failureChance = 0;
  maxLatencyMs = 20;
  /** What connectors see outside: it changes the number and content of their tasks. */
  readonly #tables = new Map<string, number>();
  readonly #trace: SimGroupOptions["trace"];

  constructor(options: SimGroupOptions) {
    const { seed, nodes, protocol, maxRebalanceDelayMs, bug } = options;
    this.random = new SeededRandom(seed);
    this.protocol = protocol;
    this.maxRebalanceDelayMs = maxRebalanceDelayMs;
    this.bug = bug;
    const broker = groupBroker(this.clock, seed);
    this.links = Array.from({ length: nodes }, () => new BrokerLink(broker, this.clock, () => this.latencyMs()));
    this.processes = Array.from({ length: nodes }, () => undefined);
    this.topics = {
      config: new SimTopic("config", this.clock, 1),
      status: new SimTopic("status", this.clock, 3),
      offset: new SimTopic("offset", this.clock, 1),
    };
    this.ops = new ClientOps(this.clock, this.topics.config);
    this.#trace = options.trace;
    if (!this.#trace) return;
    for (const topic of Object.values(this.topics)) {
      topic.onAppend = ({ key, value, offset, isOvertaken }) =>
        this.note(`${topic.name} ${offset}${isOvertaken ? " (late)" : ""} ${key} = ${value}`);
    }
  }

  note(line: string): void {
    this.#trace?.(`${String(this.clock.monotonicMs()).padStart(7)} ${line}`);
  }

  latencyMs(): number {
    return this.random.integer(this.maxLatencyMs) + 1;
  }

  failing(): boolean {
    return this.random.next() < this.failureChance;
  }

  /** Each config, and each state of the outside, has task configs of its own. */
  taskConfigs(connector: string, { v = "", n = "1" }: Props): Record<string, string>[] {
    const tables = this.#tables.get(connector) ?? 0;
    const of = (Number(n) + tables) % 4;
    return Array.from({ length: of }, (_, task) => ({
      "task.class": "T",
      set: `${v}/${tables}`,
      of: String(of),
      task: String(task),
    }));
  }

  /** Something changes outside that the connector watches. */
  changeTables(connector: string): void {
    this.#tables.set(connector, (this.#tables.get(connector) ?? 0) + 1);
    for (const process of this.processes) process?.clock.schedule(0, () => process.worker?.look(connector));
  }

  at(url: string): SimProcess | undefined {
    return this.processes.find((process) => process?.url === url && !process.clock.isDead);
  }

  up(node: number): SimProcess | undefined {
    const process = this.processes[node];
    return process?.clock.isDead ? undefined : process;
  }

  start(node: number): void {
    if (this.up(node)) return;
    const process = new SimProcess(this, node, this.links[node]!, this.random.integer(2 ** 31));
    this.processes[node] = process;
    process.start();
  }

  usurped(process: SimProcess, keys: readonly string[]): void {
    this.fail(`w${process.node} writes ${keys.join()} without being the leader (I7)`);
  }

  ran(process: SimProcess): void {
    if (!process.isExcused) this.check();
  }

  fail(fault: string): void {
    this.fault ??= `${fault}, at ${this.clock.monotonicMs()} ms`;
  }

  /** Whether what runs now may run together, and the configs are whole (I4, I5). */
  check(): void {
    const holders = new Map<string, number>();
    const sets = new Map<string, string>();
    for (const process of this.processes) {
      if (!process || process.clock.isDead || process.isExcused) continue;
      for (const [subject, props] of process.running) {
        const other = holders.get(subject);
        if (other !== undefined) this.fail(`${subject} runs on w${other} and w${process.node} (I4)`);
        holders.set(subject, process.node);
        const { set } = props;
        if (set === undefined) continue;
        const connector = subject.slice(0, subject.lastIndexOf("-"));
        const known = sets.get(connector);
        if (known !== undefined && known !== set)
          this.fail(`tasks of ${known} and ${set} of ${connector} run together (I4)`);
        sets.set(connector, set);
      }
      if (process.isLoaded) this.#checkConfigs(process.loop.configs(), `w${process.node}`);
    }
  }

  /**
   * Ends all trouble, starts all workers, and waits until everything runs as the config topic says and the statuses say
   * the same. Notes what never comes about as a fault.
   */
  async settle(): Promise<void> {
    Object.assign(this.trouble, { refused: 0, answerLost: 0, late: 0 });
    this.failureChance = 0;
    for (const [node, link] of this.links.entries()) {
      link.weather = "fair";
      this.up(node)?.clock.thaw();
    }
    const untilMs = this.clock.monotonicMs() + SETTLE_LIMIT_MS;
    for (;;) {
      for (const node of this.links.keys()) this.start(node);
      await this.clock.advance(2_000);
      this.check();
      const complaint = this.#unsettled();
      if (complaint === undefined || this.fault !== undefined) break;
      if (this.clock.monotonicMs() >= untilMs) return this.fail(`unsettled: ${complaint}`);
    }
    const lost = this.fault === undefined && (this.ops.lost() ?? (await this.#undoneOffset()));
    if (lost) this.fail(lost);
  }

  #checkConfigs({ connectors }: ConfigSnapshot, where: string): void {
    for (const [connector, { taskConfigs }] of connectors) {
      const [first] = taskConfigs;
      const torn =
        first && (Number(first["of"]) !== taskConfigs.length || taskConfigs.some(({ set }) => set !== first["set"]));
      if (torn) this.fail(`the task configs of ${connector} are torn on ${where}: ${JSON.stringify(taskConfigs)} (I5)`);
    }
  }

  /** An offset from before the last change by REST, on some worker or on one that starts now. */
  async #undoneOffset(): Promise<string | undefined> {
    const replayed = new OffsetFold();
    for (const partition of this.topics.offset.ends.keys())
      for (const record of this.topics.offset.compacted(partition, true)) replayed.apply(record);
    for (const connector of CONNECTORS) {
      const listing = Promise.all(this.processes.map((process) => process!.loop.stores.offset.list(connector)));
      await this.clock.advance(2_000);
      for (const offsets of [replayed.offsets(connector), ...(await listing)]) {
        for (const { partition, offset } of offsets) {
          const sinceMs = Number(offset?.["since"]);
          const changedMs = this.ops.offsetChangedMs(connector, Number(partition["task"]), sinceMs);
          if (changedMs !== undefined)
            return `${connector}-${partition["task"]} has an offset of ${sinceMs} ms, changed at ${changedMs} ms`;
        }
      }
    }
    return undefined;
  }

  /** What is not yet as it must be in the end. */
  #unsettled(): string | undefined {
    if (this.ops.openChanges > 0) return "a change of offsets is unanswered";
    const configured = this.ops.configured();
    const runs = new Map<string, { readonly state: string; readonly worker: string; readonly props: Props }>();
    for (const process of this.processes) {
      if (!process?.isLoaded || !process.loop.membership.place) return `w${process?.node} has no place in the group`;
      if (process.isClosing) return `w${process.node} is closing`;
      const { worker, running, workerId } = process;
      for (const { name, state } of worker!.connectors())
        runs.set(name, { state, worker: workerId, props: running.get(name)! });
      for (const { id, state } of worker!.tasks()) {
        const name = `${id.connector}-${id.task}`;
        runs.set(name, { state, worker: workerId, props: running.get(name)! });
      }
    }
    const due = new Map<string, string | undefined>();
    for (const connector of configured) {
      due.set(connector.name, undefined);
      for (const [task, set] of this.#tasksDue(connector, runs.get(connector.name)?.state).entries())
        due.set(`${connector.name}-${task}`, set);
    }
    for (const [subject, set] of due) {
      const run = runs.get(subject);
      if (!run) return `${subject} runs nowhere`;
      if (set !== undefined && run.props["set"] !== set) return `${subject} runs ${run.props["set"]} instead of ${set}`;
    }
    for (const subject of runs.keys()) if (!due.has(subject)) return `${subject} runs`;
    for (const connector of configured) {
      const { state } = runs.get(connector.name)!;
      if (state !== "FAILED" && state !== STATES[connector.target]) return `${connector.name} is ${state}`;
    }
    return this.#unsettledStatus(runs) ?? this.#unsettledConfigs();
  }

  /** A worker that starts must come to the state that the others have. (I6) */
  #unsettledConfigs(): string | undefined {
    const replayed = new ConfigFold();
    for (const record of this.topics.config.compacted(0, true)) replayed.apply(record);
    for (const process of this.processes) {
      const difference = differs(process!.loop.configs(), replayed.snapshot());
      if (difference !== undefined) return `w${process!.node} and the compacted topic differ in ${difference} (I6)`;
    }
    return undefined;
  }

  #unsettledStatus(runs: ReadonlyMap<string, { readonly state: string; readonly worker: string }>): string | undefined {
    for (const process of this.processes) {
      const { status } = process!.loop.stores;
      const shown = new Map<string, string>();
      for (const connector of status.connectors()) {
        const own = status.status({ connector });
        if (own) shown.set(connector, `${own.state} on ${own.workerId}`);
        for (const [task, { state, workerId }] of status.taskStatuses(connector))
          shown.set(`${connector}-${task}`, `${state} on ${workerId}`);
      }
      for (const [subject, { state, worker }] of runs) {
        if (shown.get(subject) !== `${state} on ${worker}`)
          return `${subject} is ${state} on ${worker}, w${process!.node} shows ${shown.get(subject)}`;
      }
      for (const [subject, state] of shown) {
        // A late commit of a STOPPED connector has tasks that run nowhere.
        const isLeftover = this.ops.isTainted(subject.replace(/-\d+$/, "")) && state.startsWith("UNASSIGNED");
        if (!runs.has(subject) && !isLeftover) return `w${process!.node} shows ${subject} ${state}`;
      }
    }
    return undefined;
  }

  /** The set of each task that must run in the end; undefined: any. */
  #tasksDue({ name, config, target }: ConnectorRecord, state: string | undefined): readonly (string | undefined)[] {
    if (target === "STOPPED") return [];
    if (state === "RUNNING" && !this.ops.isTainted(name)) return this.taskConfigs(name, config).map(({ set }) => set);
    const known = this.processes[0]!.loop.configs().connectors.get(name)?.taskConfigs ?? [];
    return known.map(({ set }) => set ?? undefined);
  }
}

const STATES: Readonly<Record<TargetState, string>> = { STARTED: "RUNNING", PAUSED: "PAUSED", STOPPED: "STOPPED" };

/** The connector in which two states of the config topic differ. */
function differs(a: ConfigSnapshot, b: ConfigSnapshot): string | undefined {
  for (const name of new Set([...a.connectors.keys(), ...b.connectors.keys()])) {
    const [one, other] = [a.connectors.get(name), b.connectors.get(name)];
    if (!one || !other) return name;
    if (one.targetState !== other.targetState) return `${name}'s state`;
    if (!isDeepStrictEqual(one.config, other.config)) return `${name}'s config`;
    if (!isDeepStrictEqual(one.taskConfigs, other.taskConfigs)) return `${name}'s tasks`;
  }
  return undefined;
}
