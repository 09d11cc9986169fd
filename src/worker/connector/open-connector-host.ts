import type { HostLink, HostListener } from "../host/host-link.js";
import { type HostThreadSettings, openThreadHost } from "../host/thread-host.js";
import { ConnectorHost, type ConnectorHostParts } from "./connector-host.js";
import type { ConnectorCommand, ConnectorReport } from "./connector-host-messages.js";

/** The worker's end of the connectors' host. `owner` is a run, or the negative number of an entry that it loads. */
export type ConnectorHostLink = HostLink<ConnectorCommand>;

/**
 * Opens the connectors' host, without the plugins `leftOut`. Commands may be sent at once. Never throws: one that cannot be
 * opened has `ended`, later.
 */
export type OpenConnectorHost = (
  leftOut: readonly string[],
  listener: HostListener<ConnectorReport>,
) => ConnectorHostLink;

/** Connectors allocate very little: Node's default of 48 would cost the thread a fifth more memory. */
const YOUNG_MB = 2;

/** The connectors' host in a thread of its own, with a heap of `heapMb`. */
export function openConnectorThread(
  data: HostThreadSettings,
  heapMb: number,
  listener: HostListener<ConnectorReport>,
): ConnectorHostLink {
  return openThreadHost<ConnectorCommand, ConnectorReport>(
    "connector/connector-host-thread",
    data,
    { heapMb, youngMb: YOUNG_MB },
    listener,
  );
}

/** The connectors' host in the worker's own thread (task.isolation=none), with the same messages. */
export function openConnectorsInProcess(
  parts: Omit<ConnectorHostParts, "send" | "within">,
  listener: HostListener<ConnectorReport>,
): ConnectorHostLink {
  let closed = false;
  const host = new ConnectorHost({
    ...parts,
    within: (_run, work) => work(),
    send: (report) => {
      if (!closed) listener.report(structuredClone(report));
    },
  });
  return {
    send: (command) => host.receive(structuredClone(command)),
    close: async () => {
      closed = true;
    },
  };
}
