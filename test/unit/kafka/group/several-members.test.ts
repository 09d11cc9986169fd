import fc from "fast-check";
import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import type { GroupMember } from "../../../../src/kafka/client/group-member.js";
import { connectionConfig } from "../../../../src/kafka/client-properties.js";
import { createClientOver } from "../../../../src/kafka/create-kafka-client.js";
import { BrokerLink, type Weather } from "../../../support/group/broker-link.js";
import { groupBroker } from "../../../support/group/group-broker.js";

const UNITS = ["a", "b", "c", "d", "e"];
const WORKERS = 3;
const LATENCY_MS = 1;
/** A member's session ends some latencies later than at the coordinator; starting work takes longer than that. */
const START_MS = 5;

/** The faults of a worker's callbacks: how long each takes, and how many fail from now on. */
interface Temper {
  prepareMs: number;
  takeMs: number;
  failures: number;
}

/** Each member keeps the units it holds; the free ones are dealt in turn. */
function assigned(members: readonly { readonly memberId: string; readonly metadata: Buffer }[]): Map<string, Buffer> {
  const held = new Map(members.map(({ memberId, metadata }) => [memberId, unitsIn(metadata)]));
  const ids = [...held.keys()].sort();
  const free = UNITS.filter((unit) => ![...held.values()].some((units) => units.includes(unit)));
  for (const [at, unit] of free.entries()) held.get(ids[at % ids.length]!)!.push(unit);
  return new Map([...held].map(([memberId, units]) => [memberId, Buffer.from(units.join())]));
}

function unitsIn(bytes: Buffer): string[] {
  return bytes.length === 0 ? [] : bytes.toString().split(",");
}

/** A worker like Connect's: it runs its assignment until it prepares for a rebalance or loses it. */
class Worker {
  readonly running = new Set<string>();
  readonly temper: Temper = { prepareMs: 0, takeMs: 0, failures: 0 };
  readonly network: BrokerLink;
  #member: GroupMember | undefined;
  #losses = 0;

  constructor(
    private readonly world: World,
    private readonly seed: number,
  ) {
    this.network = new BrokerLink(world.broker, world.clock, () => LATENCY_MS);
  }

  get isUp(): boolean {
    return this.#member !== undefined;
  }

  start(): void {
    const { clock } = this.world;
    const properties = { "bootstrap.servers": "node:1000" };
    const options = { properties, clock, random: new SeededRandom(this.seed), logger: silentLogger };
    const client = createClientOver(this.network, connectionConfig(properties), options);
    const member: GroupMember = client.groupMember(
      {
        groupId: "g",
        protocolType: "connect",
        protocols: () => [{ name: "default", metadata: Buffer.from([...this.running].join()) }],
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 60_000,
        heartbeatIntervalMs: 3_000,
        coordinatorTimeoutMs: 3_000,
      },
      {
        assign: async ({ members }) => assigned(members),
        onPrepare: async () => {
          await this.#trouble(this.temper.prepareMs);
          if (this.#member === member && this.world.isEager) this.running.clear();
        },
        onAssigned: async ({ assignment }) => {
          const losses = this.#losses;
          await this.#trouble(START_MS + this.temper.takeMs);
          if (losses !== this.#losses || this.#member !== member) return;
          for (const unit of unitsIn(assignment)) this.world.run(this, unit);
        },
        onLost: async () => {
          this.#losses++;
          this.running.clear();
        },
      },
    );
    this.#member = member;
    member.start();
  }

  /** Crashes (`kill -9`), or stops all work and then leaves the group. */
  end(how: "crash" | "leave"): void {
    const member = this.#member;
    this.#member = undefined;
    this.running.clear();
    if (how === "crash") member?.abandon();
    else void member?.leave();
  }

  async #trouble(forMs: number): Promise<void> {
    await this.world.clock.delay(forMs);
    if (this.temper.failures === 0) return;
    this.temper.failures--;
    throw new Error("the config topic cannot be read");
  }
}

class World {
  readonly clock = new SimClock();
  readonly broker = groupBroker(this.clock);
  readonly workers = Array.from({ length: WORKERS }, (_, at) => new Worker(this, at + 1));
  /** The work that ran twice, with place and time. */
  readonly faults: string[] = [];

  /**
   * @param isEager all work stops before each rebalance; otherwise it continues during it, as in Connect.
   */
  constructor(readonly isEager: boolean) {}

  run(worker: Worker, unit: string): void {
    const other = this.workers.findIndex((each) => each !== worker && each.running.has(unit));
    const place = `${unit} on ${this.workers.indexOf(worker)} and ${other} at ${this.clock.monotonicMs()} ms`;
    if (other >= 0) this.faults.push(place);
    worker.running.add(unit);
  }
}

const worker = fc.nat({ max: WORKERS - 1 });
const waitMs = fc.integer({ min: 0, max: 15_000 });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("weather" as const),
      worker,
      waitMs,
      weather: fc.constantFrom<Weather>("fair", "cut", "deaf", "mute"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("crash" as const, "leave" as const), worker, waitMs }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("start" as const), worker, waitMs }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("temper" as const),
      worker,
      waitMs,
      prepareMs: fc.integer({ min: 0, max: 5_000 }),
      takeMs: fc.integer({ min: 0, max: 12_000 }),
      failures: fc.nat({ max: 2 }),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A member's network dies while its join waits for another member and its work still runs. */
const PARKED: Step[] = [
  { do: "start", worker: 1, waitMs: 20_000 },
  { do: "temper", worker: 1, waitMs: 0, prepareMs: 5_000, takeMs: 0, failures: 0 },
  { do: "start", worker: 2, waitMs: 4_000 },
  { do: "weather", worker: 0, waitMs: 60_000, weather: "mute" },
];

/** A heartbeat fails just before the session ends, and its retry would wait beyond the end. */
const LATE_RETRY: Step[] = [
  { do: "weather", worker: 0, waitMs: 15_762, weather: "fair" },
  { do: "weather", worker: 0, waitMs: 9_145, weather: "deaf" },
];

test("no two members run the same work, and in the end all work runs again, under any faults (I4)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 25 }), async (isEager, steps) => {
      const { clock, workers, faults } = new World(isEager);
      workers[0]!.start();
      for (const each of steps) {
        const it = workers[each.worker]!;
        if (each.do === "weather") it.network.weather = each.weather;
        if (each.do === "temper") Object.assign(it.temper, each);
        if (each.do === "start" && !it.isUp) it.start();
        if ((each.do === "crash" || each.do === "leave") && it.isUp) it.end(each.do);
        await clock.advance(each.waitMs);
        expect(faults).toEqual([]);
      }
      for (const each of workers) {
        each.network.weather = "fair";
        if (!each.isUp) each.start();
        Object.assign(each.temper, { prepareMs: 0, takeMs: 0, failures: 0 });
      }
      await clock.advance(180_000);
      expect(faults).toEqual([]);
      expect(workers.flatMap(({ running }) => [...running]).sort()).toEqual(UNITS);
      for (const each of workers) each.end("crash");
    }),
    {
      numRuns: 100,
      examples: [
        [false, PARKED],
        [false, LATE_RETRY],
      ],
    },
  );
});
