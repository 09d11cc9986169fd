import type { Clock, Logger, Random } from "../api/index.js";
import type { GroupMember, GroupMemberCallbacks, GroupProtocol } from "../kafka/kafka-client.js";
import type { StoredProps } from "../stores/config-records.js";
import type { ConfigListener, ConfigStore, SharedConfigStore } from "../stores/config-store.js";
import type { OffsetStore } from "../stores/offset-store.js";
import type { StatusStore } from "../stores/status-store.js";
import type { Worker, WorkerListener } from "../worker/worker.js";
import type { ConfigProvider } from "./config/config-providers.js";
import type { Redactions } from "./config/redaction.js";
import type { ConnectProtocol } from "./membership/group-messages.js";
import type { SessionKeyKind } from "./membership/session-keys.js";

export interface Stores {
  readonly config: ConfigStore;
  readonly offset: OffsetStore;
  readonly status: StatusStore;
}

/** The stores as everybody in the herder sees them: the leader's records are written through a LeaderWriter only. (I7) */
export interface SharedStores extends Omit<Stores, "config"> {
  readonly config: SharedConfigStore;
}

/** What the herder is made of; each is made when the herder starts. */
export interface HerderParts {
  /** Makes sure that the internal topics are there, and makes the stores over them (not started). */
  openStores(configListener: ConfigListener, signal: AbortSignal): Promise<Stores>;
  createWorker(listener: WorkerListener, offsets: OffsetStore, redactions: Redactions): Promise<Worker>;
  joinGroup(callbacks: GroupMemberCallbacks, protocols: () => readonly GroupProtocol[]): GroupMember;
  /** Asks the leader to publish task configs that come from the connector's record at `configOffset`, over HTTP; signed when the group has a key. */
  postTaskConfigs(
    leaderUrl: string,
    connector: string,
    taskConfigs: readonly StoredProps[],
    configOffset: number,
  ): Promise<void>;
  onLoggerLevel(logger: string, level: string): void;
}

export interface HerderSettings {
  /** Advertised host:port, and the URL with a slash at its end. */
  readonly workerId: string;
  readonly url: string;
  readonly protocol: ConnectProtocol;
  readonly syncTimeoutMs: number;
  readonly maxRebalanceDelayMs: number;
  readonly tracksTopics: boolean;
  readonly sessionKeyKind: SessionKeyKind;
  readonly sessionKeyTtlMs: number;
  readonly providers: ReadonlyMap<string, ConfigProvider>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
