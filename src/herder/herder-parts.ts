import type { Clock, Logger, Props, Random } from "../api/index.js";
import type { GroupMemberCallbacks, GroupProtocol } from "../kafka/client/group-member.js";
import type { StoredProps } from "../stores/config-records.js";
import type { ConfigListener, ConfigStore, SharedConfigStore } from "../stores/config-store.js";
import type { OffsetStore } from "../stores/offset-store.js";
import type { StatusListener, StatusStore } from "../stores/status-store.js";
import type { SourceFencing, Worker, WorkerListener } from "../worker/worker.js";
import type { ConfigProvider } from "./config/config-providers.js";
import type { Redactions } from "./config/redaction.js";
import type { ConnectProtocol } from "./membership/group-messages.js";
import type { WorkerGroupMember } from "./membership/membership.js";
import type { SessionKeyKind } from "./membership/session-keys.js";

export interface Stores {
  readonly config: ConfigStore;
  readonly offset: OffsetStore;
  readonly status: StatusStore;
}

/** The herder's listeners to its stores. */
interface StoreListeners {
  readonly config: ConfigListener;
  readonly status: StatusListener;
}

/** The stores as the rest of the herder sees them: only a LeaderWriter writes the leader's records. (I7) */
export interface SharedStores extends Omit<Stores, "config"> {
  readonly config: SharedConfigStore;
}

/** The herder's parts, each created when the herder starts. */
export interface HerderParts {
  /**
   * Makes sure that the internal topics exist, and creates the stores over them (not started).
   *
   * @param redactions for the clients of connectors' own topics.
   */
  openStores(listeners: StoreListeners, redactions: Redactions, signal: AbortSignal): Promise<Stores>;
  createWorker(
    listener: WorkerListener,
    offsets: OffsetStore,
    redactions: Redactions,
    fencing: SourceFencing,
  ): Promise<Worker>;
  joinGroup(callbacks: GroupMemberCallbacks, protocols: () => readonly GroupProtocol[]): WorkerGroupMember;
  /**
   * Asks the leader over HTTP to publish task configs, generated from the connector record at `configOffset`.
   * The request is signed if the group has a key.
   */
  postTaskConfigs(
    leaderUrl: string,
    connector: string,
    taskConfigs: readonly StoredProps[],
    configOffset: number,
  ): Promise<void>;
  /**
   * Asks the leader over HTTP to fence the connector's earlier tasks. Signed as above.
   * @throws RetriableError FENCING_FAILED while it cannot; ConfigError when it refuses.
   */
  putFence(leaderUrl: string, connector: string): Promise<void>;
  /** Fences the producers of these tasks. @param props the connector's, with references resolved. */
  fenceProducers(connector: string, props: Props, tasks: readonly number[], redactions: Redactions): Promise<void>;
  onLoggerLevel(logger: string, level: string): void;
}

export interface HerderSettings {
  /** Advertised host:port, and the URL with a trailing slash. */
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
