import type { SourceTaskContext } from "../../src/api/index.js";
import type { IncrementalSnapshot } from "./chunks/incremental-snapshot.js";
import type { RowPace } from "./chunks/row-pace.js";
import type { SnapshotProgress } from "./chunks/snapshot-progress.js";
import type { Settings } from "./config/settings.js";
import type { ChangeEvents } from "./events/change-event.js";
import type { Heartbeat } from "./events/heartbeat.js";
import type { Notifications } from "./notifications/notifications.js";
import type { SnapshotNotifications } from "./notifications/snapshot-notifications.js";
import type { Progress } from "./position/progress.js";
import type { PassFault } from "./server/fault-point.js";
import type { SignalInbox } from "./signals/signal-inbox.js";
import type { SourceBlocks } from "./tables/source-block.js";
import type { TableFilter } from "./tables/table-filter.js";
import type { TableSchemas } from "./tables/table-schemas.js";
import type { SilenceLimit } from "./wal/server-silence.js";

/** The parts of a task that outlive its connections. */
export interface SessionOptions {
  readonly settings: Settings;
  readonly context: SourceTaskContext;
  readonly progress: Progress;
  readonly events: ChangeEvents;
  readonly sources: SourceBlocks;
  readonly heartbeat: Heartbeat;
  readonly pass: PassFault;
  readonly snapshotProgress: SnapshotProgress;
  readonly pace: RowPace;
  readonly incremental: IncrementalSnapshot;
  readonly inbox: SignalInbox;
  readonly notifications: Notifications;
  /** Of the first snapshot. */
  readonly snapshotNotes: SnapshotNotifications;
  readonly silence: SilenceLimit;
  readonly filter: TableFilter;
  readonly schemas: TableSchemas;
}
