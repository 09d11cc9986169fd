/** The state that a connector and its tasks are asked to be in (KIP-875). */
export type TargetState = "STARTED" | "PAUSED" | "STOPPED";
