import type { LeaderWrites, WriteTexts } from "../leader/leader-writes.js";
import type { LeaderPlace } from "../leader/leadership.js";
import type { RegistryView } from "../operations/registry-view.js";
import type { Release } from "./answer.js";
import type { PageLimits } from "./paging.js";
import type { ForwardedAnswer, RawRequest } from "./raw-request.js";

/** The parts that the routes need. */
export interface RegistryContext {
  readonly view: RegistryView;
  readonly release: Release;
  readonly writes: LeaderWrites;
  readonly place: () => LeaderPlace | undefined;
  /** Sends a request to the leader. @throws RegistryError 50003 */
  readonly forward: (request: RawRequest, leaderUrl: string, texts: WriteTexts) => Promise<ForwardedAnswer>;
  readonly clusterId: () => Promise<string>;
  /** `schema.registry.group.id` */
  readonly groupId: string;
  /** `mode.mutability` */
  readonly isModeMutable: boolean;
  /** `schema.reject.empty.subject` */
  readonly rejectsEmptySubject: boolean;
  readonly schemaLimits: PageLimits;
  readonly version: string;
  readonly commit: string;
  /** Records of the topic that were ignored. */
  readonly skipped: () => number;
}
