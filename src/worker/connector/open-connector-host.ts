import type { HostLink, HostListener } from "../host/host-link.js";
import { openThreadHost, type ThreadHostData } from "../host/thread-host.js";
import { ConnectorHost, type ConnectorHostParts } from "./connector-host.js";
import type { ConnectorCommand, ConnectorReport } from "./connector-host-messages.js";

/** The start data of the connectors' host's thread. */
export interface ConnectorThreadData extends ThreadHostData {
  /** Written by `CodeOwner`. */
  readonly owner: SharedArrayBuffer;
}

/** The worker's end of the connectors' host. */
export interface ConnectorHostLink extends HostLink<ConnectorCommand> {
  /**
   * Whose code the host ran last: a run, the negative number of an entry it loads, or 0 for none. Absent for a host in
   * the worker's own thread, whose death the worker does not survive.
   */
  readonly owner?: () => number;
}

/** Opens the connectors' host, without the plugins `leftOut`. Commands may be sent at once. */
export type OpenConnectorHost = (
  leftOut: readonly string[],
  listener: HostListener<ConnectorReport>,
) => ConnectorHostLink;

/** Connectors allocate very little: Node's default of 48 would cost the thread a fifth more memory. */
const YOUNG_MB = 2;

/** The connectors' host in a thread of its own, with a heap of `heapMb`. */
export function openConnectorThread(
  data: ThreadHostData,
  heapMb: number,
  listener: HostListener<ConnectorReport>,
): ConnectorHostLink {
  const owner = new SharedArrayBuffer(4);
  const shared = new Int32Array(owner);
  const threadData: ConnectorThreadData = { ...data, owner };
  const link = openThreadHost<ConnectorCommand, ConnectorReport>(
    "connector/connector-host-thread",
    threadData,
    { heapMb, youngMb: YOUNG_MB },
    listener,
  );
  return { ...link, owner: () => Atomics.load(shared, 0) };
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
