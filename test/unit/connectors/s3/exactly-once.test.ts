import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import { MemoryStore, type StoreFault } from "./memory-store.js";
import { nameOf, PassingClock, rowRecord, SINK_PROPS, SinkDriver } from "./sink-driver.js";

const START_MS = Date.UTC(2024, 4, 1, 12);
const HOUR_MS = 3_600_000;

type Command =
  | { readonly kind: "append"; readonly partition: number; readonly hour: number; readonly gap: number }
  | { readonly kind: "deliver"; readonly count: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "commit" }
  | { readonly kind: "crash" }
  | { readonly kind: "take-over" }
  | { readonly kind: "zombie"; readonly count: number }
  | { readonly kind: "faults"; readonly faults: readonly (StoreFault | undefined)[] };

const fault = fc.option(fc.constantFrom<StoreFault>("busy", "applied-but-lost", "crash-before", "crash-after"), {
  nil: undefined,
  freq: 2,
});
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      partition: fc.integer({ min: 0, max: 1 }),
      hour: fc.integer({ min: 0, max: 2 }),
      gap: fc.integer({ min: 0, max: 2 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("deliver" as const), count: fc.integer({ min: 0, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 120_000 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "commit" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "crash" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "take-over" as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("zombie" as const), count: fc.integer({ min: 0, max: 6 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("faults" as const), faults: fc.array(fault, { maxLength: 6 }) }),
  },
);

/** Runs the commands, then lets all work finish, and checks the invariants at every commit. */
async function play(commands: readonly Command[], props: Readonly<Record<string, string>>) {
  const store = new MemoryStore();
  const clock = new PassingClock(START_MS);
  const partitions = [0, 1].map((partition) => ({ topic: "orders", partition }));
  let zombie: SinkDriver | undefined;
  let driver = new SinkDriver(() => new S3SinkTask(() => store), partitions, {
    clock,
    // One attempt: every fault reaches the worker's loop.
    props: { ...SINK_PROPS, "s3.part.retries": "1", ...props },
  });
  const next = [0, 0];
  const revive = async () => {
    store.crashed = false;
    store.faults = [];
    zombie = undefined;
    await driver.start();
  };
  const commit = async () => {
    await driver.commit();
    const stored = new Set(store.places());
    for (const place of partitions) {
      const committed = driver.committed.get(nameOf(place)) ?? 0;
      const missing = driver.logs
        .get(nameOf(place))!
        .filter(({ offset }) => offset < committed && !stored.has(`${place.partition}:${offset}`));
      expect(missing.map(({ offset }) => offset)).toEqual([]);
    }
  };
  await driver.start();
  for (const step of commands) {
    if (step.kind === "append") {
      const offset = next[step.partition]! + step.gap;
      next[step.partition] = offset + 1;
      driver.append(rowRecord(offset, { partition: step.partition, timestampMs: START_MS + step.hour * HOUR_MS }));
    } else if (step.kind === "deliver") {
      await driver.deliver(step.count);
    } else if (step.kind === "wait") {
      clock.ms += step.ms;
      await driver.deliver(0);
    } else if (step.kind === "take-over") {
      zombie = driver;
      driver = driver.successor();
      await driver.start();
    } else if (step.kind === "zombie") {
      await zombie?.deliver(step.count);
    } else if (step.kind === "commit") {
      await commit();
    } else if (step.kind === "faults") {
      store.faults = [...step.faults];
    } else {
      await revive();
    }
    if (store.crashed) await revive();
  }
  store.faults = [];
  // A rotation may find an object of the zombie, rewind, and leave the rest to the next rotation.
  for (let rotations = 0; rotations < 10; rotations++) {
    await driver.deliverAll();
    clock.ms += 24 * HOUR_MS;
    await driver.deliver(0);
    await commit();
  }
  return { store, driver, partitions };
}

function offsetsIn(driver: SinkDriver): string[] {
  return [...driver.logs.values()].flat().map(({ partition, offset }) => `${partition}:${offset}`);
}

const HOURLY = {
  "partitioner.class": "io.confluent.connect.storage.partitioner.HourlyPartitioner",
  "timestamp.extractor": "Record",
  locale: "en",
  timezone: "UTC",
};

const AVRO = { "format.class": "io.confluent.connect.s3.format.avro.AvroFormat" };

describe("under random records, faults, crashes and replays", () => {
  const scheduled = { "rotate.schedule.interval.ms": "60000", timezone: "UTC", "flush.size": "4" };
  const cases: [string, Record<string, string>][] = [
    ["scheduled rotation", scheduled],
    ["scheduled rotation into hourly directories", { ...HOURLY, ...scheduled }],
    ["idle flush into hourly directories", { ...HOURLY, "rotate.idle.interval.ms": "60000", "flush.size": "9" }],
    ["scheduled rotation and flush.bytes", { ...HOURLY, ...scheduled, "flush.bytes": "30" }],
    ["scheduled rotation into Avro files", { ...HOURLY, ...scheduled, ...AVRO }],
    ["scheduled rotation with gzip", { ...HOURLY, ...scheduled, "s3.compression.type": "gzip" }],
  ];
  test.each(cases)("%s holds every record exactly once", async (_name, props) => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 120, size: "max" }), async (commands) => {
        const { store, driver, partitions } = await play(commands, props);
        expect(store.places().sort()).toEqual(offsetsIn(driver).sort());
        for (const place of partitions) {
          const log = driver.logs.get(nameOf(place))!;
          if (log.length > 0) expect(driver.committed.get(nameOf(place))).toBe(log.at(-1)!.offset + 1);
        }
      }),
      { numRuns: "format.class" in props ? 20 : 100 },
    );
  });

  const deterministic: [string, Record<string, string>][] = [
    ["flush.size alone", {}],
    ["flush.size over hourly directories", HOURLY],
    ["flush.bytes", { ...HOURLY, "flush.bytes": "40", "flush.size": "9" }],
    ["flush.size into Avro files over hourly directories", { ...HOURLY, ...AVRO }],
    ["rotate.interval.ms", { ...HOURLY, "rotate.interval.ms": "3600000", "flush.size": "5" }],
    ["a limit of open files", { ...HOURLY, "partitioner.max.open.files": "2", "flush.size": "7" }],
  ];
  test.each(deterministic)("%s holds every finished record exactly once", async (_name, props) => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 120, size: "max" }), async (commands) => {
        const { store, driver, partitions } = await play(commands, props);
        const finished = partitions.flatMap((place) =>
          driver.logs
            .get(nameOf(place))!
            .filter(({ offset }) => offset < (driver.committed.get(nameOf(place)) ?? 0))
            .map(({ offset }) => `${place.partition}:${offset}`),
        );
        expect(store.places().sort()).toEqual(finished.sort());
        if (Object.keys(props).length === 0)
          expect([...store.rows().values()].filter((rows) => rows.length !== 3)).toEqual([]);
      }),
      { numRuns: "format.class" in props ? 20 : 50 },
    );
  });
});
