import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigFold, type ConfigSnapshot } from "../../../src/stores/config-fold.js";
import { configRecord, type StoredProps } from "../../../src/stores/config-records.js";
import type { StoredRecord, StoreRecord } from "../../../src/stores/log-transport.js";

function fold(records: readonly StoredRecord[]) {
  const state = new ConfigFold();
  const events = records.map((record) => state.apply(record));
  return { state, events, snapshot: state.snapshot() };
}

const at = (records: readonly StoreRecord[]): StoredRecord[] =>
  records.map((record, offset) => ({ ...record, offset }));
const text = (key: string, value: string) => ({ key: Buffer.from(key), value: Buffer.from(value) });
const config = { "connector.class": "X", name: "c" };

describe("the config topic's records", () => {
  test.each([
    [configRecord.connector("c", { a: "1", b: null }), "connector-c", '{"properties":{"a":"1","b":null}}'],
    [configRecord.connector("c", null), "connector-c", null],
    [configRecord.task("c-d", 3, { "task.class": "T" }), "task-c-d-3", '{"properties":{"task.class":"T"}}'],
    [configRecord.commit("c", 2), "commit-c", '{"tasks":2}'],
    [configRecord.targetState("c", "STOPPED"), "target-state-c", '{"state":"PAUSED","state.v2":"STOPPED"}'],
    [configRecord.targetState("c", "STARTED"), "target-state-c", '{"state":"STARTED","state.v2":"STARTED"}'],
    [
      configRecord.restart({ connector: "c", includeTasks: true, onlyFailed: false }),
      "restart-connector-c",
      '{"include-tasks":true,"only-failed":false}',
    ],
    [
      configRecord.sessionKey({ key: Buffer.from("secret"), algorithm: "HmacSHA256", createdMs: 1_700_000_000_000 }),
      "session-key",
      '{"key":"c2VjcmV0","algorithm":"HmacSHA256","creation-timestamp":1700000000000}',
    ],
    [configRecord.taskCount("c", 3), "tasks-fencing-c", '{"task-count":3}'],
    [configRecord.loggerLevel("org.x", "debug"), "logger-cluster-org.x", '{"level":"debug"}'],
    [configRecord.connector("c", { a: "🙂ä" }), "connector-c", '{"properties":{"a":"\\uD83D\\uDE42ä"}}'],
  ])("are written as Kafka Connect writes them: %#", ({ key, value }, expectedKey, expectedValue) => {
    expect([key.toString(), value === null ? null : String(value)]).toEqual([expectedKey, expectedValue]);
  });
});

describe("the fold of the config topic", () => {
  test("a commit that repeats the tasks in force only puts the connector's newest record before it", () => {
    const records = at([
      configRecord.connector("c", config),
      configRecord.task("c", 0, { t: "0" }),
      configRecord.commit("c", 1),
      configRecord.connector("c", config),
      configRecord.task("c", 0, { t: "0" }),
      configRecord.commit("c", 1),
    ]);
    const { snapshot, events } = fold(records);
    expect(snapshot).toMatchObject({ offset: 6, shapeOffset: 3 });
    expect(snapshot.connectors.get("c")).toMatchObject({ configOffset: 3, tasksOffset: 2, commitOffset: 5 });
    expect(events.at(-1)).toBeUndefined();
  });

  test("keeps the number of tasks to fence, pending since the last commit, also of a deleted connector", () => {
    const records = at([
      configRecord.connector("c", config),
      configRecord.commit("c", 0),
      configRecord.taskCount("c", 2),
      configRecord.connector("c", null),
      configRecord.connector("c", config),
      configRecord.commit("c", 0),
      text("tasks-fencing-c", '{"task-count":"two"}'),
    ]);
    const fencing = (count: number) => fold(records.slice(0, count)).snapshot.fencing.get("c");
    expect(fencing(2)).toEqual({ recordedTasks: undefined, isPending: true });
    expect(fencing(3)).toEqual({ recordedTasks: 2, isPending: false });
    expect(fencing(5)).toEqual({ recordedTasks: 2, isPending: false });
    expect(fencing(6)).toEqual({ recordedTasks: 2, isPending: true });
    expect(fold(records).snapshot.fencing.get("c")).toEqual({ recordedTasks: 2, isPending: true });
    // The tasks in force go on through a repetition of their commit, so that fencing must not hit them.
    const repeated = ["connector", "task", "commit", "taskCount", "task", "commit"] as const;
    const again = at(
      repeated.map((kind) => {
        if (kind === "connector") return configRecord.connector("c", config);
        if (kind === "task") return configRecord.task("c", 0, { t: "0" });
        return kind === "commit" ? configRecord.commit("c", 1) : configRecord.taskCount("c", 1);
      }),
    );
    expect(fold(again).snapshot.fencing.get("c")).toEqual({ recordedTasks: 1, isPending: false });
  });

  test("puts task configs in force together, at the commit (I5)", () => {
    const records = at([
      configRecord.connector("c", config),
      configRecord.task("c", 0, { t: "0" }),
      configRecord.task("c", 1, { t: "1" }),
      configRecord.commit("c", 2),
      configRecord.task("c", 0, { t: "new 0" }),
    ]);
    expect(fold(records.slice(0, 3)).snapshot.connectors.get("c")?.taskConfigs).toEqual([]);
    const { snapshot, events } = fold(records);
    expect(snapshot.connectors.get("c")).toMatchObject({
      taskConfigs: [{ t: "0" }, { t: "1" }],
      appliedConfig: config,
      configOffset: 0,
      tasksOffset: 3,
    });
    expect(events.map((event) => event?.kind)).toEqual([
      "connector-added",
      undefined,
      undefined,
      "tasks-committed",
      undefined,
    ]);
  });

  test("has no tasks while a commit misses some, and has them with the next complete one", () => {
    const records = at([
      configRecord.connector("c", config),
      configRecord.task("c", 1, { t: "1" }),
      configRecord.commit("c", 2),
    ]);
    expect(fold(records).snapshot.connectors.get("c")).toMatchObject({
      inconsistent: true,
      taskConfigs: [],
      taskCount: 2,
    });
    const healed = [...records, ...at([configRecord.task("c", 0, { t: "0" }), configRecord.commit("c", 1)])];
    expect(fold(healed).snapshot.connectors.get("c")).toMatchObject({ inconsistent: false, taskConfigs: [{ t: "0" }] });
  });

  test.each([
    ["{not json", '{"tasks":'],
    ['{"properties":{"a":1}}', '{"tasks":"2"}'],
  ])("never mixes two sets of task configs when records of both cannot be read: %s", (noTask, noCommit) => {
    const first = [configRecord.task("c", 0, { t: "a0" }), configRecord.task("c", 1, { t: "a1" })];
    const second = [configRecord.task("c", 0, { t: "b0" }), configRecord.commit("c", 2)];
    const lostCommit = [...first, text("commit-c", noCommit), ...second];
    const lostTask = [...first, text("task-c-1", noTask), ...second];
    for (const records of [lostCommit, lostTask]) {
      const { snapshot } = fold(at([configRecord.connector("c", config), ...records]));
      expect(snapshot.connectors.get("c")).toMatchObject({ inconsistent: true, taskConfigs: [] });
    }
  });

  test("never revives task configs of a connector whose deletion was compacted away", () => {
    const { snapshot } = fold(
      at([
        configRecord.task("c", 0, { t: "old" }),
        configRecord.commit("c", 1),
        configRecord.connector("c", config),
        configRecord.commit("c", 1),
      ]),
    );
    expect(snapshot.connectors.get("c")).toMatchObject({ inconsistent: true, taskConfigs: [] });
  });

  test("has a connector in the target state that was written before it", () => {
    const { snapshot } = fold(at([configRecord.targetState("c", "STOPPED"), configRecord.connector("c", config)]));
    expect(snapshot.connectors.get("c")?.targetState).toBe("STOPPED");
  });

  test("starts a connector that was deleted and created again", () => {
    const { snapshot } = fold(
      at([
        configRecord.targetState("c", "PAUSED"),
        configRecord.connector("c", config),
        configRecord.connector("c", null),
        configRecord.targetState("c", null),
        configRecord.connector("c", config),
      ]),
    );
    expect(snapshot.connectors.get("c")?.targetState).toBe("STARTED");
  });

  test("reads target states of workers before 3.5, and prefers the newer member", () => {
    const of = (value: string) =>
      fold([...at([configRecord.connector("c", config)]), { ...text("target-state-c", value), offset: 1 }]);
    expect(of('{"state":"PAUSED"}').snapshot.connectors.get("c")?.targetState).toBe("PAUSED");
    expect(of('{"state":"PAUSED","state.v2":"STOPPED"}').snapshot.connectors.get("c")?.targetState).toBe("STOPPED");
    const unknown = of('{"state":"ASLEEP"}');
    expect(unknown.snapshot.connectors.get("c")?.targetState).toBe("STARTED");
    expect(unknown.events[1]).toMatchObject({ kind: "unreadable", offset: 1 });
  });

  test("reports a target state only when it changes", () => {
    const { events } = fold(
      at([
        configRecord.connector("c", config),
        configRecord.targetState("c", "STARTED"),
        configRecord.targetState("c", "PAUSED"),
        configRecord.targetState("c", "PAUSED"),
      ]),
    );
    expect(events.map((event) => event?.kind)).toEqual(["connector-added", undefined, "target-changed", undefined]);
  });

  test("counts the offset over every JSON record, unknown ones included", () => {
    const { snapshot, events } = fold([
      { ...text("what-is-this", "{}"), offset: 4 },
      { ...text("connector-c", "{not json"), offset: 5 },
    ]);
    expect(snapshot.offset).toBe(5);
    expect(events.map((event) => event?.kind)).toEqual(["unreadable", "unreadable"]);
  });

  test("moves the shape's offset with connectors and commits only", () => {
    const steps: [StoreRecord, number][] = [
      [configRecord.connector("c", config), 1],
      [configRecord.task("c", 0, { t: "0" }), 1],
      [configRecord.commit("c", 1), 3],
      [configRecord.targetState("c", "PAUSED"), 3],
      [configRecord.connector("c", { ...config, more: "1" }), 3],
      [configRecord.task("c", 0, { t: "other" }), 3],
      [configRecord.commit("c", 1), 7],
      [configRecord.commit("c", 0), 8],
      [configRecord.connector("c", null), 9],
    ];
    const records = at(steps.map(([record]) => record));
    for (const [index, [, shapeOffset]] of steps.entries()) {
      expect(fold(records.slice(0, index + 1)).snapshot.shapeOffset, `after record ${index}`).toBe(shapeOffset);
    }
  });

  test("a snapshot never changes", () => {
    const state = new ConfigFold();
    const [first, second] = at([configRecord.connector("c", config), configRecord.connector("c", null)]);
    state.apply(first!);
    const snapshot = state.snapshot();
    state.apply(second!);
    expect([...snapshot.connectors.keys()]).toEqual(["c"]);
    expect(state.snapshot().connectors.size).toBe(0);
  });

  test.each([
    ["task-c-0", { kind: "unreadable" }, '{"properties":{"a":1}}'],
    ["task-c", { kind: "unreadable" }, '{"properties":{}}'],
    ["commit-c", undefined, '{"tasks":1}'],
    ["restart-connector-c", { kind: "unreadable" }, '{"include-tasks":1}'],
    ["session-key", { kind: "unreadable" }, '{"key":"x","algorithm":"y","creation-timestamp":"1"}'],
    ["tasks-fencing-c", undefined, '{"task-count":1}'],
  ])("recognizes %s", (key, event, value) => {
    const [got] = fold([{ ...text(key, value), offset: 0 }]).events;
    if (event) expect(got).toMatchObject(event);
    else expect(got).toBeUndefined();
  });
});

// --- the state after any log -----------------------------------------------------------------------------------

/** One action of a leader. Each writes its records at once, as ConfigStore does. */
type Deed =
  | { readonly do: "put"; readonly name: string; readonly version: number }
  | { readonly do: "tasks"; readonly name: string; readonly count: number; readonly version: number }
  | { readonly do: "target"; readonly name: string; readonly state: "STARTED" | "PAUSED" | "STOPPED" }
  | { readonly do: "remove"; readonly name: string };

const name = fc.constantFrom("a", "b");
const version = fc.integer({ min: 0, max: 3 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ do: fc.constant("put" as const), name, version }),
  fc.record({ do: fc.constant("tasks" as const), name, count: fc.integer({ min: 0, max: 3 }), version }),
  fc.record({ do: fc.constant("target" as const), name, state: fc.constantFrom("STARTED", "PAUSED", "STOPPED") }),
  fc.record({ do: fc.constant("remove" as const), name }),
);

/** The records of these actions, without those that a leader refuses (tasks or states of unknown connectors). */
function logOf(deeds: readonly Deed[]): StoredRecord[] {
  const there = new Set<string>();
  const records: StoreRecord[] = [];
  for (const each of deeds) {
    if (each.do === "put") {
      there.add(each.name);
      records.push(configRecord.connector(each.name, { v: String(each.version) }));
    } else if (!there.has(each.name)) continue;
    else if (each.do === "target") records.push(configRecord.targetState(each.name, each.state));
    else if (each.do === "remove") {
      there.delete(each.name);
      records.push(configRecord.connector(each.name, null), configRecord.targetState(each.name, null));
    } else {
      for (let task = 0; task < each.count; task++) {
        records.push(configRecord.task(each.name, task, { t: `${task}/${each.version}` }));
      }
      records.push(configRecord.commit(each.name, each.count));
    }
  }
  return at(records);
}

/** The log after compaction: the last record of each key, with or without tombstones. */
function compacted(records: readonly StoredRecord[], upTo: number, keepTombstones: boolean): StoredRecord[] {
  const last = new Map(records.slice(0, upTo).map((record) => [String(record.key), record.offset]));
  return records.filter(
    ({ key, offset, value }) =>
      offset >= upTo || (last.get(String(key)) === offset && (value !== null || keepTombstones)),
  );
}

function visible({ connectors }: ConfigSnapshot) {
  return Object.fromEntries(
    [...connectors].map(([key, { config, targetState, taskConfigs }]) => [key, { config, targetState, taskConfigs }]),
  );
}

describe("any log of configs", () => {
  test("shows, at every offset, tasks of one commit only (I5)", () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 30 }), (deeds) => {
        const state = new ConfigFold();
        for (const record of logOf(deeds)) {
          state.apply(record);
          for (const { taskConfigs } of state.snapshot().connectors.values()) {
            const versions = new Set(taskConfigs.map((props: StoredProps) => props["t"]?.split("/")[1]));
            expect(versions.size).toBeLessThanOrEqual(1);
            expect(taskConfigs.map((props) => props["t"]?.split("/")[0])).toEqual(
              taskConfigs.map((_, task) => String(task)),
            );
          }
        }
      }),
    );
  });

  // No tasks is safe: the connector publishes them again when it starts. It happens after a commit that lost some of
  // them, and when a later config change moved behind the commit. Kafka Connect drops such a commit, too, because it
  // looks like one of a deleted connector.
  test("has the same result after compaction, except that a connector's tasks may all be missing", () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 30 }), fc.nat(60), fc.boolean(), (deeds, upTo, keepTombstones) => {
        const records = logOf(deeds);
        const whole = visible(fold(records).snapshot);
        const rest = visible(fold(compacted(records, upTo, keepTombstones)).snapshot);
        expect(Object.keys(rest).sort()).toEqual(Object.keys(whole).sort());
        for (const [key, entry] of Object.entries(rest)) {
          const { taskConfigs, ...others } = entry;
          const { taskConfigs: expected, ...wanted } = whole[key]!;
          expect(others).toEqual(wanted);
          if (taskConfigs.length > 0) expect(taskConfigs).toEqual(expected);
        }
      }),
    );
  });
});
