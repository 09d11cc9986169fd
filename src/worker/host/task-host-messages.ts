import type { Props, SourceMap, SourceOffset } from "../../api/index.js";
import type { LevelSettings } from "../../base/log/log-levels.js";
import type { ThreadLoad } from "../../base/metrics/thread-load.js";
import type { TargetState } from "../../contract/target-state.js";
import type { TaskId } from "../../contract/task-id.js";
import type { OffsetRecords, TaskMetrics, TaskState } from "../worker.js";
import type { Failure } from "./failure.js";
import type { LogReport } from "./forwarding-logger.js";

// The messages between the worker and its task hosts. Records are never among them: hosts exchange those with Kafka
// directly. `run` numbers one run of one task: reports of a former run must not count for the present one.

/** Worker to host. */
export type HostCommand =
  | {
      readonly type: "start";
      readonly run: number;
      readonly id: TaskId;
      readonly connectorProps: Props;
      readonly taskProps: Props;
      readonly targetState: TargetState;
      readonly taskCount: number;
    }
  /** `cancel`: it did not stop in time; drop it and send no more reports of that run. */
  | { readonly type: "stop"; readonly run: number; readonly cancel: boolean }
  | { readonly type: "pause"; readonly run: number; readonly paused: boolean }
  /** The connector's topics were reset: report each one again at its next use. */
  | { readonly type: "forgetTopics"; readonly run: number }
  /** Answered at once, so it also shows that the host's event loop turns. */
  | { readonly type: "metrics"; readonly request: number }
  /** The loggers' levels have changed. For a host in a thread of its own: others share the worker's. */
  | { readonly type: "levels"; readonly levels: LevelSettings }
  /** The answer to `readOffsets`, `flushOffsets`, `offsetRecords`, `offsetsCommitted` or `mayStart`. */
  | {
      readonly type: "offsets";
      readonly request: number;
      readonly offsets?: readonly SourceOffset[];
      readonly records?: OffsetRecords;
      readonly failure?: Failure;
    };

/** Host to worker. */
export type HostReport =
  | { readonly type: "ready" }
  | {
      readonly type: "status";
      readonly run: number;
      readonly state: Exclude<TaskState, "FAILED">;
      /** What a RUNNING task waits for, else null. */
      readonly waitingFor: string | null;
      readonly version: string | null;
    }
  | { readonly type: "failed"; readonly run: number; readonly failure: Failure; readonly version: string | null }
  | LogReport
  /** The run is over and has released everything; its last status precedes this. */
  | { readonly type: "ended"; readonly run: number }
  | { readonly type: "topicUsed"; readonly run: number; readonly topic: string }
  | {
      readonly type: "metrics";
      readonly request: number;
      readonly tasks: readonly TaskMetrics[];
      /** Absent from a host in the worker's own thread. */
      readonly load?: ThreadLoad;
    }
  | {
      readonly type: "readOffsets";
      readonly run: number;
      readonly request: number;
      readonly partitions: readonly SourceMap[];
    }
  /** For the task's own transaction. */
  | {
      readonly type: "offsetRecords";
      readonly run: number;
      readonly request: number;
      readonly entries: readonly SourceOffset[];
    }
  /** That transaction is committed. Reported where the records were not the worker's topic. */
  | {
      readonly type: "offsetsCommitted";
      readonly run: number;
      readonly request: number;
      readonly entries: readonly SourceOffset[];
    }
  /** A source task that delivers exactly once starts: before and after its producer takes over the transactional id. */
  | {
      readonly type: "mayStart";
      readonly run: number;
      readonly request: number;
      readonly step: "fence" | "confirm";
    }
  | {
      readonly type: "flushOffsets";
      readonly run: number;
      readonly request: number;
      readonly entries: readonly SourceOffset[];
    };
