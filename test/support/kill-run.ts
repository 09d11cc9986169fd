import { SeededRandom } from "../../src/base/random.js";
import { isComplete, type TopicVerdict } from "../../src/demo/check/judge-pipeline.js";
import { Pipeline } from "./pipeline.js";

/** One run of the pipeline in which a process is killed repeatedly. */
export interface KillPlan {
  readonly victim: "worker" | "broker";
  readonly kills: number;
  readonly seed: number;
}

/** The outcome of a run. */
export interface KillResult {
  /** Topics with lost, repeated or misordered events. */
  readonly faulty: readonly TopicVerdict[];
  readonly events: number;
  readonly resent: number;
  /** Kills before the first streamed change, and so before any stored offset completes the snapshot. */
  readonly duringSnapshot: number;
}

/** Of a snapshot of 100,000 rows. It takes less than a second, and the reader of the topics lags behind. */
const EARLY_EVENTS = 1000;
const SNAPSHOT_KILLS = 2;

/**
 * Runs the pipeline and kills the victim at moments chosen by the seed: twice during the snapshot (so before any offset
 * was flushed), then after a number of further streamed events, or some time after its restart, whatever it is doing.
 */
export async function runWithKills({ victim, kills, seed }: KillPlan): Promise<KillResult> {
  const random = new SeededRandom(seed);
  const pipeline = await Pipeline.start(seed);
  try {
    await pipeline.run();
    let duringSnapshot = 0;
    for (let kill = 0; kill < kills; kill++) {
      const { events, streamed } = pipeline;
      if (kill < SNAPSHOT_KILLS) await pipeline.reached({ events: events + 1 + random.integer(EARLY_EVENTS) }, 30_000);
      else if (random.next() < 0.7) await pipeline.reached({ streamed: streamed + 1 + random.integer(1000) }, 60_000);
      else await pipeline.reached({}, random.integer(8000));
      if (pipeline.streamed === 0) duringSnapshot++;
      if (victim === "worker") await pipeline.killWorker();
      else await pipeline.killBroker();
    }
    await pipeline.endWorkload();
    const verdicts = await pipeline.verdict(120_000);
    const faulty = verdicts.filter((verdict) => !isComplete(verdict));
    if (faulty.length > 0) {
      const states = await pipeline.rest.states();
      console.error(
        `seed ${seed}, ${victim}:\n${JSON.stringify(faulty, null, 1)}\n${JSON.stringify(states, null, 1)}\n${pipeline.worker.log}`,
      );
    }
    return {
      faulty,
      events: pipeline.observer.events.length,
      resent: verdicts.reduce((sum, verdict) => sum + verdict.resent, 0),
      duringSnapshot,
    };
  } finally {
    await pipeline.stop();
  }
}
