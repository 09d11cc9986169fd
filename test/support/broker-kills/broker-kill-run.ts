import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { SeededRandom } from "../../../src/base/random.js";
import { BrokerClient, ConnectionEnded } from "../broker-client.js";
import { MillraceProcess } from "../millrace-process.js";
import { patiently } from "../patience.js";
import { CommitsLoad } from "./commits-load.js";
import { CommittedReader } from "./committed-reader.js";
import { CompactedLoad } from "./compacted-load.js";
import { IdempotentLoad } from "./idempotent-load.js";
import type { KillLoad } from "./kill-load.js";
import { PlainLoad } from "./plain-load.js";
import { TopicsLoad } from "./topics-load.js";
import { TransactionalLoad } from "./transactional-load.js";

/** Small segments, so that kills also hit rolls, sealing and compaction, of the coordinators' topics, too. */
const PROPERTIES = {
  "millrace.segment.bytes.min": "1000",
  "log.segment.bytes": "30000",
  "offsets.topic.segment.bytes": "5000",
  "offsets.topic.num.partitions": "5",
  "transaction.state.log.segment.bytes": "5000",
  "transaction.state.log.num.partitions": "5",
  "log.cleaner.backoff.ms": "50",
  "log.cleaner.min.cleanable.ratio": "0.05",
};
const MOST_ANSWERS = 400;
const DURING_START = 0.2;
/** A start takes 0.3 s. */
const START_MS = 400;
const STUCK_MS = 60_000;
const clock = new SystemClock();

/** What a run has done. */
export interface BrokerKillResult {
  readonly answers: number;
  /** Kills of a broker that had not served its clients yet. */
  readonly duringStart: number;
  readonly committed: number;
  readonly aborted: number;
  /** Records of the compacted topic that are gone. */
  readonly compacted: number;
  /** Topics deleted. */
  readonly deleted: number;
}

/**
 * Kills `millrace broker` again and again while clients of all kinds work, and checks after each start that it has kept
 * what it had promised them. The seed decides on what they do and when the kills come; what is under way then differs.
 * @throws Error that names the seed, the kill and the broken promise. The data folder is then kept.
 */
export async function runBrokerKills(kills: number, seed: number): Promise<BrokerKillResult> {
  const random = new SeededRandom(seed);
  const fork = () => new SeededRandom(random.integer(2 ** 31));
  const compacted = new CompactedLoad(fork());
  const topics = new TopicsLoad(fork());
  const producers = [new TransactionalLoad("v1", 1, fork(), true), new TransactionalLoad("v2", 2, fork(), false)];
  const loads: KillLoad[] = [
    new PlainLoad(fork()),
    new IdempotentLoad(fork()),
    compacted,
    ...producers,
    new CommittedReader(producers),
    new CommitsLoad(fork()),
    topics,
  ];
  const folder = mkdtempSync(join(tmpdir(), "millrace-broker-kills-"));
  const config = join(folder, "broker.properties");
  writeFileSync(
    config,
    Object.entries(PROPERTIES)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  let broker = launch(folder, config, "127.0.0.1:0");
  let answers = 0;
  let duringStart = 0;
  try {
    const [, address = ""] = await broker.line(READY);
    const port = Number(address.split(":")[1]);
    await each(loads, port, (load, client) => load.prepare(client));
    for (let kill = 1; kill <= kills; kill++) {
      const during = `seed ${seed}, kill ${kill}`;
      if (random.next() < DURING_START) {
        // It was killed just before: nobody has asked it for anything.
        await broker.kill9();
        broker = launch(folder, config, address);
        await clock.delay(random.integer(START_MS));
        duringStart++;
      } else {
        answers += await strike(loads, port, 1 + random.integer(MOST_ANSWERS), broker, during);
      }
      await broker.kill9();
      broker = launch(folder, config, address);
      await broker.line(READY);
      await each(loads, port, (load, client) => load.check(client), during);
    }
  } catch (cause) {
    throw new Error(`Kept ${folder}; the broker printed:\n${broker.log}`, { cause });
  } finally {
    await broker.kill9();
  }
  rmSync(folder, { recursive: true, force: true });
  const total = (outcome: "committed" | "aborted") =>
    producers.reduce((sum, { journal }) => sum + journal.count(outcome), 0);
  return {
    answers,
    duringStart,
    committed: total("committed"),
    aborted: total("aborted"),
    compacted: compacted.compacted,
    deleted: topics.deleted,
  };
}

const READY = /^Kafka broker: (\S+)/;

function launch(folder: string, config: string, address: string): MillraceProcess {
  const args = ["broker", "--data", folder, "--listen", address, "--config", config];
  return new MillraceProcess(args, { MILLRACE_LOG_LEVEL: "warn" });
}

/** Lets all loads work until they have had so many answers, and kills the broker. Returns how many there were. */
async function strike(
  loads: readonly KillLoad[],
  port: number,
  answers: number,
  broker: MillraceProcess,
  during: string,
): Promise<number> {
  let count = 0;
  const reached = deferred();
  const acted = () => {
    if (++count >= answers) reached.resolve();
  };
  const working = each(
    loads,
    port,
    async (load, client) => {
      try {
        await load.work(client, acted);
      } catch (error) {
        // Without the kill the end of a connection is a fault, too.
        if (!(error instanceof ConnectionEnded && reached.settled)) throw error;
      }
    },
    during,
  );
  await patiently(Promise.race([reached.promise, working]), STUCK_MS, () => `${during}: no answers any more`);
  await broker.kill9();
  await working;
  return count;
}

/** Runs a step of all loads, each on a connection of its own. @throws Error naming the load that failed first. */
async function each(
  loads: readonly KillLoad[],
  port: number,
  step: (load: KillLoad, client: BrokerClient) => Promise<unknown>,
  during = "at first",
): Promise<void> {
  await Promise.all(
    loads.map(async (load) => {
      const client = await BrokerClient.connect(port);
      try {
        await patiently(step(load, client), STUCK_MS, () => `nothing moves`);
      } catch (cause) {
        throw new Error(`${during}: ${load.name}: ${(cause as Error).message}`, { cause });
      } finally {
        client.close();
      }
    }),
  );
}
