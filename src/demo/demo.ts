import { relative } from "node:path";
import type { Writable } from "node:stream";
import type { Clock } from "../api/clock.js";
import type { Logger } from "../api/logger.js";
import type { Random } from "../api/random.js";
import { SystemHttpClient } from "../base/http-client.js";
import { EXIT } from "../cli/exit-code.js";
import { createKafkaClient } from "../kafka/create-kafka-client.js";
import { isFlawless } from "./check/judge-pipeline.js";
import { SHOP_TABLES, topicOf } from "./check/shop-tables.js";
import { TopicObserver } from "./check/topic-observer.js";
import { ConnectRest } from "./connect-rest.js";
import { reportDemo } from "./demo-report.js";
import { DemoRun } from "./demo-run.js";
import { DemoScreen } from "./demo-screen.js";
import { type DemoStack, startDemoStack } from "./demo-stack.js";
import { packagePath } from "./package-path.js";

/** Options of `millrace demo`. */
export interface DemoOptions {
  /** Stay up after the check, until `signal` aborts. */
  readonly keep: boolean;
  /** Where everything is kept; without it a temporary folder that is removed at the end. */
  readonly dataDir?: string;
  /** Aborted on Ctrl-C and SIGTERM: everything is stopped, and `runDemo` resolves. */
  readonly signal: AbortSignal;
  readonly out: Writable;
  /** Whether `out` is a terminal, on which a line can be written over. */
  readonly isTerminal: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Receives the output of Postgres, broker and worker, at level debug. */
  readonly logger: Logger;
  /** Duration of the live mix. Default 10 s. */
  readonly liveMs?: number;
}

const LIVE_MS = 10_000;

/**
 * Runs the main job on real parts and checks it from the outside: Postgres with 100,000 rows, an object store, broker
 * and worker as a process of their own; a snapshot and live changes into topics and on into objects.
 *
 * @returns the exit status: 0 if every row, event and object record is where it should be; 3 if not; 130 if `signal`
 *   ended it before that was known.
 * @throws Error with a part's last output, if it does not start or fails. Nothing is left running either way.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  // The notice is for those who install the SDK, not for those who run this.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  const { clock, random, logger, signal, dataDir } = options;
  const screen = new DemoScreen(options.out, options.isTerminal, clock);
  screen.step("starting Postgres, the object store, broker and worker");
  const stack = await startDemoStack({ dataDir, clock, random, logger });
  try {
    signal.throwIfAborted();
    const passed = await runPipeline(stack, options, screen);
    if (options.keep && !signal.aborted) await stayUp(stack, screen, signal);
    return passed ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!signal.aborted) throw error;
    screen.line("Interrupted.");
    return 130;
  } finally {
    screen.step("stopping");
    await stack.close();
  }
}

/** @returns whether the check holds. */
async function runPipeline(stack: DemoStack, options: DemoOptions, screen: DemoScreen): Promise<boolean> {
  const { clock, random, logger, liveMs = LIVE_MS } = options;
  const prefix = stack.source.config["topic.prefix"] ?? "";
  const topics = SHOP_TABLES.map((table) => topicOf(prefix, table));
  const properties = { "bootstrap.servers": stack.up.kafkaAddress, "client.id": "millrace-demo" };
  const kafka = createKafkaClient({ properties, clock, random, logger: logger.child("kafka") });
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  const observer = new TopicObserver(kafka, topics, clock);
  const rest = new ConnectRest(stack.up.restUrl, clock, new SystemHttpClient(clock));
  const run = new DemoRun({ stack, rest, observer, screen, clock, random, liveMs, signal });
  // Whichever fails first ends the others; the run is the only one that ends by itself.
  const parts = [run.run(), run.watch(), observer.run(signal)] as const;
  try {
    const [result] = await Promise.race([Promise.all(parts), parts[0].then((only) => [only] as const)]);
    for (const line of reportDemo(result, shownPath)) screen.line(line);
    return result.verdicts.every(isFlawless);
  } finally {
    over.abort();
    await Promise.allSettled(parts);
    await kafka.close();
  }
}

/** The path of a file of this package, as the user may open it from the current folder. */
function shownPath(...parts: string[]): string {
  const path = packagePath(...parts);
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
}

async function stayUp(stack: DemoStack, screen: DemoScreen, signal: AbortSignal): Promise<void> {
  const { restUrl, kafkaAddress } = stack.up;
  const { name } = stack.source;
  for (const line of [
    "",
    `Still up, until Ctrl-C. REST: ${restUrl}`,
    "",
    `  curl -s '${restUrl}/connectors?expand=status'`,
    `  curl -s -X PUT ${restUrl}/connectors/${name}/pause`,
    `  curl -s ${restUrl}/connectors/${name}/status`,
    "",
    `  Postgres     ${stack.connectionString}`,
    `  Kafka        ${kafkaAddress}`,
    `  S3           ${stack.store.endpoint} (bucket ${stack.bucket}, path style)`,
    `  data folder  ${stack.dataDir}`,
  ]) {
    screen.line(line);
  }
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  screen.line();
}
