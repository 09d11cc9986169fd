import type { ConnectorContext, Props } from "../../src/api/index.js";
import { parseSettings } from "./config/settings.js";
import { alarmFigures, SlotGuard } from "./wal/slot-guard.js";
import { readSlotUsage } from "./wal/slot-usage.js";

/** Starts to watch the connector's slot, over a connection for each look. @returns what ends it. */
export function watchSlot(props: Props, { clock, logger, reportRetention }: ConnectorContext): () => void {
  const { connection, slotName, guardIntervalMs, guardLimitBytes, snapshot } = parseSettings(props);
  if (guardIntervalMs === 0 || !snapshot.streams) return () => {};
  const cut = new AbortController();
  const guard = new SlotGuard({
    slotName,
    intervalMs: guardIntervalMs,
    limitBytes: guardLimitBytes,
    read: async () => {
      const { connectDatabase, closeClient } = await import("./server/database-client.js");
      const client = await connectDatabase({
        settings: connection,
        applicationName: "Debezium Slot Info",
        signal: cut.signal,
        logger,
      });
      try {
        return await readSlotUsage(client, slotName);
      } finally {
        closeClient(client);
      }
    },
    report: reportRetention,
    raise: (raised) =>
      logger.warn(
        raised.alarm === "lost"
          ? "The replication slot has lost WAL that it needs: a new snapshot is necessary"
          : "The replication slot keeps much WAL that was not confirmed: read it, or drop the slot, before the server's disk is full",
        { slot: slotName, ...alarmFigures(raised) },
      ),
    clock,
    logger,
  });
  guard.start();
  return () => {
    guard.stop();
    cut.abort();
  };
}
