import type { Clock } from "../../../src/api/clock.js";
import { DistributedHerder, type DistributedHerderOptions } from "../../../src/herder/distributed-herder.js";
import { offeredProtocols, readMetadata } from "../../../src/herder/membership/group-messages.js";
import { NO_WORK } from "../../../src/herder/work.js";
import type { GroupProtocol } from "../../../src/kafka/client/group-member.js";
import { CompactedLog, type CompactedLogOptions, type OpenLog } from "../../../src/stores/compacted-log.js";
import { configRecord, type StoredProps } from "../../../src/stores/config-records.js";
import { type ConfigListener, ConfigStore } from "../../../src/stores/config-store.js";
import type { WritePermit } from "../../../src/stores/gathered-writes.js";
import type { LogTransport } from "../../../src/stores/log-transport.js";

/** A worker with one fault, in place of the part that has none. */
export interface PlantedBug {
  configStore?(openLog: OpenLog, listener: ConfigListener): ConfigStore;
  herder?(options: DistributedHerderOptions): DistributedHerder;
  log?(options: CompactedLogOptions): CompactedLog;
  protocols?(protocols: () => readonly GroupProtocol[]): () => readonly GroupProtocol[];
}

/** Writes whether or not the leadership is still held. */
class UnpermittedStore extends ConfigStore {
  override putConnector(_permit: WritePermit, connector: string, config: StoredProps) {
    return super.putConnector(() => {}, connector, config);
  }

  override putTaskConfigs(_permit: WritePermit, connector: string, configs: readonly StoredProps[]) {
    return super.putTaskConfigs(() => {}, connector, configs);
  }
}

/** Carries out PATCH as a GET and, a second later, a PUT. */
class GetAndPutHerder extends DistributedHerder {
  readonly #clock: Clock;

  constructor(options: DistributedHerderOptions) {
    super(options);
    this.#clock = options.clock;
  }

  override async patchConfig(name: string, patch: Readonly<Record<string, string>>) {
    const { config } = this.connectorInfo(name);
    await this.#clock.delay(1000);
    return (await this.putConfig(name, { ...config, ...patch })).info;
  }
}

/** Takes a failed attempt for a written status. */
class ForgetfulLog extends CompactedLog {
  override async sendOnce(...call: Parameters<CompactedLog["sendOnce"]>): Promise<void> {
    await super.sendOnce(...call).catch(() => {});
  }
}

/** Writes offsets without saying what was known of the connector's others. */
function timelessLog(options: CompactedLogOptions): CompactedLog {
  const { transport } = options;
  const timeless: LogTransport = {
    open: () => transport.open(),
    endOffsets: (isStable) => transport.endOffsets(isStable),
    poll: (signal) => transport.poll(signal),
    send: (records) => transport.send(records.map(({ key, value }) => ({ key, value }))),
    dropSends: () => transport.dropSends(),
    close: () => transport.close(),
  };
  return new CompactedLog({ ...options, transport: timeless });
}

/** Writes each task on its own before the commit. */
class PiecemealStore extends ConfigStore {
  readonly #log: Promise<CompactedLog>;

  constructor(openLog: OpenLog, listener: ConfigListener) {
    let opened!: (log: CompactedLog) => void;
    const log = new Promise<CompactedLog>((resolve) => {
      opened = resolve;
    });
    super((fold) => {
      const made = openLog(fold);
      opened(made);
      return made;
    }, listener);
    this.#log = log;
  }

  override async putTaskConfigs(permit: WritePermit, connector: string, configs: readonly StoredProps[]) {
    const log = await this.#log;
    for (const [task, config] of configs.entries())
      await log.send([configRecord.task(connector, task, config)], permit);
    await log.send([configRecord.commit(connector, configs.length)], permit);
    await this.readToEnd();
  }
}

/** By what is wrong: the bug, and the fault by which a history shows it. */
export const PLANTED_BUGS: Readonly<Record<string, { readonly bug: PlantedBug; readonly fault: RegExp }>> = {
  "a leader that the group has dropped writes on": {
    bug: { configStore: (openLog, listener) => new UnpermittedStore(openLog, listener) },
    fault: /without being the leader/,
  },
  "a status whose write fails is lost": {
    bug: { log: (options) => (options.topic === "status" ? new ForgetfulLog(options) : new CompactedLog(options)) },
    fault: /unsettled: .* shows/,
  },
  "a worker does not say what it runs, and others start it again": {
    bug: { protocols: (protocols) => () => protocols().map(withoutWork) },
    fault: /runs on w\d and w\d/,
  },
  "a deleted connector returns by a change that was decided before": {
    bug: { herder: (options) => new GetAndPutHerder(options) },
    fault: /was deleted and returned/,
  },
  "what a stopped task has sent undoes a change of its offsets": {
    bug: { log: (options) => (options.topic === "offset" ? timelessLog(options) : new CompactedLog(options)) },
    fault: /has an offset of/,
  },
  "the tasks of two commits are mixed": {
    bug: { configStore: (openLog, listener) => new PiecemealStore(openLog, listener) },
    fault: /torn|differ in/,
  },
};

function withoutWork({ name, metadata }: GroupProtocol): GroupProtocol {
  const all = offeredProtocols("sessioned", { ...readMetadata(metadata), held: NO_WORK });
  return all.find((each) => each.name === name)!;
}
