import type { HostLink, HostListener } from "./host-link.js";
import { TaskHost, type TaskHostParts } from "./task-host.js";

/** A task host in the worker's own thread (task.isolation=none), with the same messages. */
export function openInProcessHost(parts: Omit<TaskHostParts, "send" | "within">, listener: HostListener): HostLink {
  let closed = false;
  const host = new TaskHost({
    ...parts,
    within: (_run, work) => work(),
    send: (report) => {
      if (!closed) listener.report(report);
    },
  });
  return {
    send: (command) => host.receive(command),
    close: async () => {
      closed = true;
      host.abandon();
    },
  };
}
