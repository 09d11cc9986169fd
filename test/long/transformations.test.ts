import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileText } from "../support/file-watch.js";
import { TestStack } from "../support/stack.js";

const PLUGIN = `
const transformation = (className, apply) => ({
  className,
  version: "1",
  transformation() {
    let own;
    return { config: {}, configure: (props) => { own = props; }, apply: (record) => apply(record, own), close() {} };
  },
});
export default [
  transformation("test.Append", (record, { text }) => record.with({ value: record.value + text })),
  transformation("test.Reroute", (record, { topic }) => record.with({ topic })),
  transformation("test.Drop", () => null),
  transformation("test.Refuse", (record) => {
    if (record.value.startsWith("bad")) throw new TypeError("a bad line");
    return record;
  }),
  {
    className: "test.StartsWith",
    version: "1",
    predicate() {
      let wanted;
      return { config: {}, configure({ text }) { wanted = text; }, test: ({ value }) => value.startsWith(wanted) };
    },
  },
];
`;

const folder = mkdtempSync(join(tmpdir(), "millrace-transforms-"));
let stack: TestStack;

beforeAll(async () => {
  mkdirSync(join(folder, "plugin"));
  writeFileSync(join(folder, "plugin", "index.mjs"), PLUGIN);
  stack = await TestStack.start({ props: { "plugin.path": folder } });
});

afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});

test("records pass the source's transformations, then the sink's; dropped and dead ones are passed by the offsets", async () => {
  const [from, to] = [join(folder, "from.txt"), join(folder, "to.txt")];
  const lines = ["one", "skip two", "bad three", "four", "skip five"];
  writeFileSync(from, lines.map((line) => `${line}\n`).join(""));
  await stack.rest.create("from", {
    "connector.class": "FileStreamSource",
    file: from,
    topic: "nowhere",
    transforms: "drop,mark,route",
    "transforms.drop.type": "Drop",
    "transforms.drop.predicate": "isSkip",
    "transforms.mark.type": "Append",
    "transforms.mark.text": " >",
    "transforms.mark.predicate": "isSkip",
    "transforms.mark.negate": "true",
    "transforms.route.type": "test.Reroute",
    "transforms.route.topic": "lines",
    predicates: "isSkip",
    "predicates.isSkip.type": "StartsWith",
    "predicates.isSkip.text": "skip",
  });
  await stack.rest.create("to", {
    "connector.class": "FileStreamSink",
    file: to,
    topics: "lines",
    transforms: "refuse,end",
    "transforms.refuse.type": "Refuse",
    "transforms.end.type": "Append",
    "transforms.end.text": "<",
    "errors.tolerance": "all",
    "errors.deadletterqueue.topic.name": "dead",
    "errors.deadletterqueue.topic.replication.factor": "1",
  });
  await stack.rest.create("dead", { "connector.class": "FileStreamSink", file: `${to}.dead`, topics: "dead" });
  expect(await fileText(to, (text) => text.includes("four"))).toBe("one ><\nfour ><\n");
  expect(await fileText(`${to}.dead`, (text) => text !== "")).toBe("bad three >\n");

  const stopped = ["from", "to"].map((name) => stack.statuses.until(name, (of) => of.connector?.state === "STOPPED"));
  for (const name of ["from", "to"]) expect((await stack.rest.put(`/connectors/${name}/stop`)).status).toBe(204);
  await Promise.all(stopped);
  expect((await stack.rest.get("/connectors/from/offsets")).body).toMatchObject({
    offsets: [{ offset: { position: lines.join("\n").length + 1 } }],
  });
  expect((await stack.rest.get("/connectors/to/offsets")).body).toMatchObject({
    offsets: [{ partition: { kafka_topic: "lines" }, offset: { kafka_offset: 3 } }],
  });
  expect((await stack.rest.get("/connectors/from/topics")).body).toEqual({ from: { topics: ["lines"] } });
  expect((await stack.rest.get("/connectors/to/topics")).body).toEqual({ to: { topics: ["lines"] } });
});
