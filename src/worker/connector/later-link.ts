import type { HostLink } from "../host/host-link.js";

/**
 * A host that opens once `ready` resolves; its commands wait until then. For a host that takes the place of one whose
 * thread still ends.
 *
 * @param ready must not reject.
 * @param open must not throw.
 */
export function laterLink<Command>(ready: Promise<void>, open: () => HostLink<Command>): HostLink<Command> {
  const waiting: Command[] = [];
  let link: HostLink<Command> | undefined;
  let isClosed = false;
  const opened = ready.then(() => {
    if (isClosed) return;
    link = open();
    for (const command of waiting.splice(0)) link.send(command);
  });
  return {
    send: (command) => {
      if (link) link.send(command);
      else waiting.push(command);
    },
    close: async () => {
      isClosed = true;
      await opened;
      await link?.close();
    },
    owner: () => link?.owner?.() ?? 0,
  };
}
