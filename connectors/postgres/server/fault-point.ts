/** A place between two steps of a task, at which tests cut its connections or kill it. */
export type FaultPoint =
  | "published"
  | "slot created"
  | "snapshot begun"
  | "table begun"
  | "table read"
  | "snapshot read"
  | "snapshot sent"
  | "stream started"
  | "chunk read"
  | "chunk sent";

/** Called at each place. Does nothing but in tests, where it may throw as a lost connection does. */
export type PassFault = (point: FaultPoint) => void;
