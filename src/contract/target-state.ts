const TARGET_STATES = ["STARTED", "PAUSED", "STOPPED"] as const;

/** A state that clients can request for a connector and its tasks (KIP-875). */
export type TargetState = (typeof TARGET_STATES)[number];

export function isTargetState(value: unknown): value is TargetState {
  return TARGET_STATES.some((state) => state === value);
}
