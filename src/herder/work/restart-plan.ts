import type { StatusState } from "../../contract/connector-info.js";
import type { RestartRequest } from "../../contract/restart-request.js";

/** What a restart request comes to for one connector. */
export interface RestartPlan {
  readonly connector: boolean;
  /** Ids of the tasks to restart, in order. */
  readonly tasks: readonly number[];
}

/**
 * Decides what a restart touches (KIP-745): the connector, and its tasks where they are included; with `onlyFailed`
 * those only that are FAILED.
 */
export function planRestart(
  request: Pick<RestartRequest, "onlyFailed" | "includeTasks">,
  connectorState: StatusState,
  taskStates: readonly (readonly [number, StatusState])[],
): RestartPlan {
  const chosen = (state: StatusState) => !request.onlyFailed || state === "FAILED";
  return {
    connector: chosen(connectorState),
    tasks: request.includeTasks ? taskStates.filter(([, state]) => chosen(state)).map(([task]) => task) : [],
  };
}

/** Of several requests for one connector, the one with the larger effect. */
export function strongerRestart(a: RestartRequest, b: RestartRequest): RestartRequest {
  return impact(b) >= impact(a) ? b : a;
}

function impact({ onlyFailed, includeTasks }: RestartRequest): number {
  return (onlyFailed ? 0 : 2) + (includeTasks ? 1 : 0);
}
