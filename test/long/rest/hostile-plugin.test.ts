import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestStack } from "../../support/stack.js";

// A plugin that blocks its thread for longer than the group's session timeout, in a whole worker.

const PLUGIN = `
const rogue = (method) => ({
  type: "source",
  className: "rogue." + method,
  taskClassName: "rogue.Task",
  version: "1",
  connector: () => ({
    get config() { if (method === "Config") for (;;); return {}; },
    async validate(_props, values) { if (method === "Validate") for (;;); return values; },
    async start() { if (method === "Start") for (;;); },
    async taskConfigs() { return []; },
    async stop() {},
  }),
  task: async () => {},
});
export default ["Config", "Validate", "Start"].map(rogue);
`;

const folder = mkdtempSync(join(tmpdir(), "millrace-hostile-"));
let stack: TestStack;

beforeAll(async () => {
  mkdirSync(join(folder, "rogue"));
  writeFileSync(join(folder, "rogue", "index.mjs"), PLUGIN);
  writeFileSync(join(folder, "lines.txt"), "a line\n");
  const props = { "task.isolation": "shared", "plugin.path": folder, "task.host.timeout.ms": "7000" };
  stack = await TestStack.start({ props });
});

afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});

const config = (method: string) => ({ "connector.class": `rogue.${method}`, name: method });

test("REST and the group work while a plugin loops, and the answer or status names it", async () => {
  const good = { "connector.class": "FileStreamSource", topic: "lines", file: join(folder, "lines.txt") };
  const running = stack.statuses.until("good", ({ tasks }) => tasks[0]?.[1].state === "RUNNING");
  expect((await stack.rest.post("/connectors", { name: "good", config: good })).status).toBe(201);
  await running;
  const before = await stack.rest.get("/connectors/good/status");

  let answered = false;
  const creating = stack.rest.post("/connectors", { name: "Validate", config: config("Validate") }).finally(() => {
    answered = true;
  });
  expect((await stack.rest.get("/")).status).toBe(200);
  expect(await stack.rest.get("/connectors")).toMatchObject({ body: ["good"] });
  expect(answered).toBe(false);
  expect(await creating).toMatchObject({
    status: 500,
    body: { message: expect.stringMatching(/rogue\.Validate \(validate\): it has not answered/) },
  });
  expect(await stack.rest.get("/connector-plugins/rogue.Config/config")).toMatchObject({
    status: 500,
    body: { message: expect.stringMatching(/rogue\.Config \(config\): it has not answered/) },
  });

  const failed = stack.statuses.until("Start", ({ connector }) => connector?.state === "FAILED");
  expect((await stack.rest.post("/connectors", { name: "Start", config: config("Start") })).status).toBe(201);
  expect((await failed).connector?.trace).toContain("connector Start (rogue.Start): it has not answered");
  expect((await stack.rest.get("/connectors/good/status")).body).toEqual(before.body);
  const again = await stack.rest.put("/connector-plugins/FileStreamSource/config/validate", { ...good, name: "good" });
  expect(again).toMatchObject({ status: 200, body: { error_count: 0 } });
}, 90_000);
