import type { HostLink, HostListener } from "./host-link.js";
import { TaskHost, type TaskHostParts } from "./task-host.js";

/** A task host in the worker's own thread (task.isolation=none), with the same messages. */
export function openInProcessHost(parts: Omit<TaskHostParts, "send">, listener: HostListener): HostLink {
  let closed = false;
  const host = new TaskHost({
    ...parts,
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
