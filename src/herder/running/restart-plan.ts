import type { StatusState } from "../../contract/connector-info.js";
import type { RestartRequest } from "../../contract/restart-request.js";

/** The effect of a restart request on one connector. */
export interface RestartPlan {
  readonly connector: boolean;
  /** Ids of the tasks to restart, in order. */
  readonly tasks: readonly number[];
}

/**
 * Decides what a restart affects (KIP-745): the connector, and its tasks if they are included; with `onlyFailed` only
 * FAILED ones.
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

/** Of two requests for one connector, the one with the larger effect. */
export function strongerRestart(a: RestartRequest, b: RestartRequest): RestartRequest {
  return impact(b) >= impact(a) ? b : a;
}

function impact({ onlyFailed, includeTasks }: RestartRequest): number {
  return (onlyFailed ? 0 : 2) + (includeTasks ? 1 : 0);
}
