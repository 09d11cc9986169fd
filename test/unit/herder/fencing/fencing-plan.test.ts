import { expect, test } from "vitest";
import { planFencing } from "../../../../src/herder/fencing/fencing-plan.js";

test.each([
  ["nothing once the newest commit is fenced", { recordedTasks: 3, isPending: false }, 2, { kind: "none" }],
  ["only a record for the first tasks", { recordedTasks: undefined, isPending: true }, 2, { kind: "record" }],
  ["only a record for a connector that is not known", undefined, 0, { kind: "record" }],
  ["only a record where one task follows one", { recordedTasks: 1, isPending: true }, 1, { kind: "record" }],
  ["all earlier tasks otherwise", { recordedTasks: 2, isPending: true }, 1, { kind: "fence", tasks: [0, 1] }],
  ["all earlier tasks of the same number", { recordedTasks: 2, isPending: true }, 2, { kind: "fence", tasks: [0, 1] }],
] as const)("%s", (_, state, taskCount, plan) => {
  expect(planFencing(state, taskCount)).toEqual(plan);
});
