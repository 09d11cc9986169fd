import type { ConnectorSnapshot, HostSnapshot, Starts, TaskMetrics, TaskSnapshot } from "../worker/worker.js";
import type { RebalanceReport } from "./membership/rebalance-times.js";

/** The classes of a connector on this worker; null where its config or its plugin is gone. */
export interface ConnectorClasses {
  readonly type: "source" | "sink" | null;
  readonly connectorClass: string | null;
  readonly taskClass: string | null;
}

/** Everything that this worker measures of itself, at one moment. */
export interface WorkerReport {
  readonly connectors: readonly (ConnectorSnapshot & ConnectorClasses)[];
  readonly tasks: readonly (TaskSnapshot & ConnectorClasses)[];
  readonly taskMetrics: readonly TaskMetrics[];
  readonly hosts: readonly HostSnapshot[];
  readonly starts: { readonly connectors: Starts; readonly tasks: Starts };
  readonly group: RebalanceReport & {
    readonly protocol: string;
    /** Undefined while the group rebalances. */
    readonly leaderUrl: string | undefined;
    readonly generation: number;
    readonly assignedConnectors: number;
    readonly assignedTasks: number;
  };
}
