/** snapshot.mode, of which `never` is an older name for no_data. */
export type SnapshotMode =
  | "initial"
  | "always"
  | "initial_only"
  | "no_data"
  | "when_needed"
  | "configuration_based"
  | "never";

/** When a snapshot is taken, and what follows it. */
export interface SnapshotRules {
  /** once: unless an earlier one has ended. */
  readonly takes: "never" | "once" | "at each start";
  readonly streams: boolean;
  /** A new one is taken if the stored position is lost. */
  readonly retakesWhenLost: boolean;
}

/** The keys snapshot.mode.configuration.based.* */
export interface ConfiguredRules {
  readonly takesData: boolean;
  readonly startsStream: boolean;
  readonly retakesOnDataError: boolean;
}

/** What a mode means. @param configured counts for configuration_based alone. */
export function snapshotRules(mode: SnapshotMode, configured: ConfiguredRules): SnapshotRules {
  switch (mode) {
    case "initial":
      return { takes: "once", streams: true, retakesWhenLost: false };
    case "always":
      return { takes: "at each start", streams: true, retakesWhenLost: false };
    case "initial_only":
      return { takes: "once", streams: false, retakesWhenLost: false };
    case "when_needed":
      return { takes: "once", streams: true, retakesWhenLost: true };
    case "no_data":
    case "never":
      return { takes: "never", streams: true, retakesWhenLost: false };
    case "configuration_based":
      return {
        takes: configured.takesData ? "at each start" : "never",
        streams: configured.startsStream,
        retakesWhenLost: configured.retakesOnDataError,
      };
  }
}
