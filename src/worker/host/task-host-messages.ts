import type { Props, SourceMap, SourceOffset } from "../../api/index.js";
import type { TargetState } from "../../contract/target-state.js";
import type { TaskId } from "../../contract/task-id.js";
import type { TaskMetrics, TaskState } from "../worker.js";
import type { Failure } from "./failure.js";
import type { LogReport } from "./forwarding-logger.js";

// All that passes between the worker and its task hosts. Never a record: those go from the host to Kafka by
// themselves. `run` numbers one run of one task, so that what a former run still says is told from the present one.

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
  /** `cancel`: it did not stop in time; drop it, nothing more is heard of that run. */
  | { readonly type: "stop"; readonly run: number; readonly cancel: boolean }
  | { readonly type: "pause"; readonly run: number; readonly paused: boolean }
  /** Answered at once, so it also shows that the host's event loop turns. */
  | { readonly type: "metrics"; readonly request: number }
  /** The answer to `readOffsets` or `flushOffsets`. */
  | {
      readonly type: "offsets";
      readonly request: number;
      readonly offsets?: readonly SourceOffset[];
      readonly failure?: Failure;
    };

/** Host to worker. */
export type HostReport =
  | { readonly type: "ready" }
  | {
      readonly type: "status";
      readonly run: number;
      readonly state: Exclude<TaskState, "FAILED">;
      /** What keeps a RUNNING task from going on. */
      readonly waitingFor: string | null;
      readonly version: string | null;
    }
  | { readonly type: "failed"; readonly run: number; readonly failure: Failure; readonly version: string | null }
  | LogReport
  /** The run is over and has released everything; its last status came before. */
  | { readonly type: "ended"; readonly run: number }
  | { readonly type: "topicUsed"; readonly run: number; readonly topic: string }
  | { readonly type: "metrics"; readonly request: number; readonly tasks: readonly TaskMetrics[] }
  | {
      readonly type: "readOffsets";
      readonly run: number;
      readonly request: number;
      readonly partitions: readonly SourceMap[];
    }
  | {
      readonly type: "flushOffsets";
      readonly run: number;
      readonly request: number;
      readonly entries: readonly SourceOffset[];
    };
