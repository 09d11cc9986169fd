import { SeededRandom } from "../../../src/base/random.js";
import type { Weather } from "./broker-link.js";
import type { PlantedBug } from "./planted-bugs.js";
import { CONNECTORS, SimGroup } from "./sim-group.js";
import type { SimProcess } from "./sim-process.js";

const STEPS = 12;

type Act = (group: SimGroup, random: SeededRandom) => void;
type Request =
  | "put"
  | "patch"
  | "delete"
  | "pause"
  | "resume"
  | "stop"
  | "restart"
  | "restart-task"
  | "alter"
  | "reset";

const anyOf = <T>(random: SeededRandom, all: readonly T[]): T => all[random.integer(all.length)]!;

/** Sends a request to a worker that is up. */
function ask(kind: Request): Act {
  return (group, random) => {
    const process = group.up(random.integer(group.links.length));
    if (!process) return;
    const name = anyOf(random, CONNECTORS);
    group.note(`${kind} ${name} to w${process.node}`);
    const v = `v${group.clock.monotonicMs()}.${random.integer(1_000)}`;
    const quietly = (request: Promise<unknown>) => void request.catch(() => {});
    switch (kind) {
      case "put": {
        const config = { "connector.class": "X", v, n: String(random.integer(4)) };
        const state = random.next() < 0.2 ? anyOf(random, ["PAUSED", "STOPPED"] as const) : undefined;
        const creates = random.next() < 0.5;
        const send = process.request<unknown>((herder) =>
          creates ? herder.create(name, config, state) : herder.putConfig(name, config),
        );
        void group.ops.during(name, "put", v, send);
        return;
      }
      case "patch": {
        const patch = { v, [`patch.${v}`]: "" };
        const send = process.request((herder) => herder.patchConfig(name, patch));
        void group.ops.during(name, "patch", v, send);
        return;
      }
      case "delete": {
        const send = process.request((herder) => herder.remove(name));
        void group.ops.during(name, "delete", "", send);
        return;
      }
      case "alter": {
        const startMs = group.clock.monotonicMs();
        const offsets = [{ partition: { task: 0 }, offset: { since: startMs } }];
        const send = stopped(group, process, name).then(() =>
          process.request((herder) => herder.alterOffsets(name, offsets)),
        );
        void group.ops.changing(name, { task: 0, startMs }, send);
        return;
      }
      case "reset": {
        const startMs = group.clock.monotonicMs();
        const send = stopped(group, process, name).then(() => process.request((herder) => herder.resetOffsets(name)));
        void group.ops.changing(name, { task: undefined, startMs }, send);
        return;
      }
      case "pause":
        return quietly(process.request((herder) => herder.setTargetState(name, "PAUSED")));
      case "resume":
        return quietly(process.request((herder) => herder.setTargetState(name, "STARTED")));
      case "stop":
        return quietly(process.request((herder) => herder.setTargetState(name, "STOPPED")));
      case "restart": {
        const request = { connector: name, includeTasks: random.next() < 0.7, onlyFailed: random.next() < 0.3 };
        return quietly(process.request((herder) => herder.requestRestart(request)));
      }
      case "restart-task": {
        const task = random.integer(3);
        return quietly(process.request((herder) => herder.restartTask({ connector: name, task })));
      }
    }
  };
}

/** As users do before they change a connector's offsets. */
function stopped(group: SimGroup, process: SimProcess, name: string): Promise<void> {
  // What its tasks send at last is the worst that may be late.
  group.trouble.late = Math.max(group.trouble.late, 0.3);
  return process.request((herder) => herder.setTargetState(name, "STOPPED"));
}

/** Does something to one machine. */
function to(what: string, act: (group: SimGroup, node: number, random: SeededRandom) => void): Act {
  return (group, random) => {
    const node = random.integer(group.links.length);
    group.note(`${what} w${node}`);
    act(group, node, random);
  };
}

const ACTS: readonly (readonly [weight: number, Act])[] = [
  [6, ask("put")],
  [3, ask("patch")],
  [3, ask("delete")],
  [2, ask("pause")],
  [2, ask("resume")],
  [2, ask("stop")],
  [2, ask("alter")],
  [3, ask("reset")],
  [2, ask("restart")],
  [1, ask("restart-task")],
  [2, (group, random) => group.changeTables(anyOf(random, CONNECTORS))],
  [3, to("crash", (group, node) => group.up(node)?.crash())],
  [1, to("terminate", (group, node) => group.up(node)?.stop())],
  [5, to("start", (group, node) => group.start(node))],
  [2, to("freeze", (group, node) => group.up(node)?.clock.freeze())],
  [3, to("thaw", (group, node) => group.up(node)?.clock.thaw())],
  [
    4,
    to("change the weather of", (group, node, random) => {
      const weather = anyOf<Weather>(random, ["fair", "fair", "cut", "deaf", "mute"]);
      group.note(weather);
      group.links[node]!.weather = weather;
    }),
  ],
  [
    2,
    (group, random) => {
      const [refused, answerLost, late] = [random.next() * 0.3, random.next() * 0.3, random.next() * 0.2];
      Object.assign(group.trouble, { refused, answerLost, late });
    },
  ],
  [1, (group) => Object.assign(group.trouble, { refused: 0, answerLost: 0, late: 0 })],
  [
    1,
    (group, random) => {
      group.failureChance = random.next() * 0.5;
    },
  ],
  [
    1,
    (group, random) => {
      group.maxLatencyMs = anyOf(random, [5, 50, 400]);
    },
  ],
  [
    2,
    (group, random) => {
      group.topics.config.compact(random.next() < 0.5);
      group.topics.status.compact(random.next() < 0.5);
      group.topics.offset.compact(random.next() < 0.5);
    },
  ],
];

const WEIGHTS = ACTS.reduce((sum, [weight]) => sum + weight, 0);

function anyAct(random: SeededRandom): Act {
  let draw = random.integer(WEIGHTS);
  const [, act] = ACTS.find(([weight]) => {
    draw -= weight;
    return draw < 0;
  })!;
  return act;
}

/**
 * One history of a group: all that its seed holds in store for it, and then peace. Returns the first rule that it
 * broke.
 */
export async function groupHistory(
  seed: number,
  bug?: PlantedBug,
  trace?: (line: string) => void,
): Promise<string | undefined> {
  const random = new SeededRandom(seed);
  const group = new SimGroup({
    seed: random.integer(2 ** 31),
    nodes: 2 + random.integer(2),
    protocol: anyOf(random, ["sessioned", "sessioned", "compatible", "eager"] as const),
    maxRebalanceDelayMs: anyOf(random, [0, 4_000, 20_000]),
    bug,
    trace,
  });
  for (const node of group.links.keys()) group.start(node);
  await group.clock.advance(6_000);
  for (let step = 0; step < STEPS && group.fault === undefined; step++) {
    anyAct(random)(group, random);
    // Often so soon that both happen at once, sometimes beyond a session.
    await group.clock.advance(anyOf(random, [0, 10, 100, 1_000, 5_000, 15_000]));
    group.check();
  }
  if (group.fault === undefined) await group.settle();
  return group.fault;
}
