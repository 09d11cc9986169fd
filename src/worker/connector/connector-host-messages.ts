import type { Props, SinkOffset, SourceOffset, SourceRetention } from "../../api/index.js";
import type { LevelSettings } from "../../base/log/log-levels.js";
import type { ThreadLoad } from "../../base/metrics/thread-load.js";
import type { Failure } from "../host/failure.js";
import type { LogReport } from "../host/forwarding-logger.js";
import type { PluginFacts } from "../plugins/named-plugins.js";
import type { PluginRef, TransactionQuestion } from "../worker.js";

// The messages between the worker and the connectors' host: data only, without the functions of a ConfigDef. `run`
// numbers one connector object, or one question about a plugin's configuration.

/** A call into a plugin's code. */
export type ConnectorCall =
  /** Creates the connector, unless the run has one, and starts it. */
  | { readonly method: "start"; readonly name: string; readonly className: string; readonly props: Props }
  | { readonly method: "taskConfigs"; readonly maxTasks: number }
  | { readonly method: "stop" }
  | { readonly method: "config"; readonly plugin: PluginRef }
  | {
      readonly method: "validate";
      readonly plugin: PluginRef;
      readonly props: Readonly<Record<string, string | null>>;
    }
  | {
      readonly method: TransactionQuestion;
      readonly className: string;
      readonly props: Props;
    }
  | {
      readonly method: "alterOffsets";
      readonly className: string;
      readonly props: Props;
      readonly offsets: readonly SourceOffset[] | readonly SinkOffset[];
    };

export type StartCall = Extract<ConnectorCall, { method: "start" }>;

/** Worker to host. */
export type ConnectorCommand =
  /** Gets one answer. */
  | { readonly type: "call"; readonly request: number; readonly run: number; readonly call: ConnectorCall }
  /** The run is over: the host forgets its object. */
  | { readonly type: "drop"; readonly run: number }
  /** The loggers' levels have changed. For a host in a thread of its own: others share the worker's. */
  | { readonly type: "levels"; readonly levels: LevelSettings }
  | { readonly type: "ping" };

/** Host to worker. */
export type ConnectorReport =
  /** Before each import, which may kill the host. `owner` is negative and stands for the entry from then on. */
  | { readonly type: "loading"; readonly owner: number; readonly entry: string }
  /** The plugins are loaded. */
  | { readonly type: "ready"; readonly plugins: PluginFacts }
  | { readonly type: "pong"; readonly load?: ThreadLoad }
  | LogReport
  | {
      readonly type: "answer";
      readonly run: number;
      readonly request: number;
      readonly value?: unknown;
      readonly failure?: Failure;
    }
  /** The connector called requestTaskReconfiguration. */
  | { readonly type: "reconfigure"; readonly run: number }
  /** The connector called reportRetention. */
  | { readonly type: "retention"; readonly run: number; readonly retention: SourceRetention | null }
  /** The connector called raiseError, or (`uncaught`) its code threw uncaught: then none of its calls will answer. */
  | { readonly type: "failed"; readonly run: number; readonly failure: Failure; readonly uncaught: boolean }
  /** The host cannot continue. */
  | { readonly type: "fatal"; readonly reason: string };
