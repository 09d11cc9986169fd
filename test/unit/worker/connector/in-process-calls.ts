import type { Clock } from "../../../../src/api/index.js";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { openConnectorsInProcess } from "../../../../src/worker/connector/open-connector-host.js";
import { PluginCalls } from "../../../../src/worker/connector/plugin-calls.js";
import type { Plugins } from "../../../../src/worker/worker.js";

/** Calls into these plugins as with task.isolation=none: the real host, in this thread, with cloned messages. */
export function inProcessCalls(plugins: Plugins, clock: Clock = new SimClock()): PluginCalls {
  const parts = { plugins, clock, random: new SeededRandom(1), logger: silentLogger };
  return new PluginCalls({
    open: (_leftOut, listener) => openConnectorsInProcess(parts, listener),
    timeoutMs: 30_000,
    clock,
    logger: silentLogger,
  });
}
