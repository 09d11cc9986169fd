import type { ConnectorPlugin, Converter, PluginContext, Props } from "../api/index.js";
import { SystemClock } from "../base/clock.js";
import { silentLogger } from "../base/logger.js";
import { SystemRandom } from "../base/random.js";
import { converters } from "../converters/built-in-converters.js";

/** Long enough that a plugin that has not acted by then is broken, not slow. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 20;

export const clock = new SystemClock();

export const pluginContext: PluginContext = {
  connectorName: "conformance",
  clock,
  random: new SystemRandom(),
  logger: silentLogger,
};

/** The part that the contexts of source and sink tasks share. */
export const taskContext = {
  ...pluginContext,
  taskId: 0,
  waitingFor: () => {},
  converter: builtInConverter,
};

function builtInConverter(className: string, props: Props, isKey: boolean): Converter {
  const make = converters.get(className);
  if (!make) throw new Error(`There is no built-in converter ${className}`);
  const converter = make();
  converter.configure({ ...props, "converter.type": isKey ? "key" : "value" }, isKey);
  return converter;
}

/** Starts the plugin's connector and asks it for one task, as a worker would. */
export async function oneTaskConfig(plugin: ConnectorPlugin, props: Props): Promise<Props> {
  const connector = plugin.connector();
  const context = {
    ...pluginContext,
    requestTaskReconfiguration: () => {},
    reportRetention: () => {},
    raiseError: () => {},
  };
  try {
    await connector.start(context, props);
    const configs = await connector.taskConfigs(1);
    const [config] = configs;
    if (!config || configs.length > 1) throw new Error(`taskConfigs(1) returned ${configs.length} tasks: expected 1`);
    return config;
  } finally {
    await connector.stop();
  }
}

/** Awaits `work`, and fails if it takes longer than `ms`. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = clock.delay(ms, done.signal).then(() => {
    if (!done.signal.aborted) throw new Error(`${what} took longer than ${ms} ms`);
  });
  try {
    return (await Promise.race([work, late])) as T;
  } finally {
    done.abort();
    late.catch(() => {}); // the race has already thrown it
  }
}

/** Repeats `step` until it returns true, and fails after `PATIENCE_MS`. `what` is asked for then: counts have moved on. */
export async function until(what: () => string, step: () => Promise<boolean>): Promise<void> {
  const startedMs = clock.monotonicMs();
  while (!(await step())) {
    if (clock.monotonicMs() - startedMs > PATIENCE_MS) throw new Error(`${what()}: not after ${PATIENCE_MS} ms`);
    await clock.delay(PAUSE_MS);
  }
}

export function patience<T>(what: string, work: Promise<T>): Promise<T> {
  return within(PATIENCE_MS, what, work);
}
