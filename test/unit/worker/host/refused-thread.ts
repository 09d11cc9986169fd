import type { HostLink, HostListener } from "../../../../src/worker/host/host-link.js";
import { openThreadHost } from "../../../../src/worker/host/thread-host.js";

/** A host whose thread cannot be opened: Node refuses to copy its settings. */
export function refusedThread<Command, Report>(listener: HostListener<Report>): HostLink<Command> {
  const workerProps = { uncloneable: (() => {}) as unknown as string };
  const settings = { name: "refused", workerProps, levels: { root: "off", set: [] }, leftOut: [] } as const;
  return openThreadHost<Command, Report>("host/task-host-thread", settings, {}, listener);
}
