import type { ConnectorContext, Props } from "../../src/api/index.js";
import { parseSettings } from "./config/settings.js";
import { SlotGuard } from "./wal/slot-guard.js";
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
    clock,
    logger,
  });
  guard.start();
  return () => {
    guard.stop();
    cut.abort();
  };
}
