/**
 * A source that fails in `start` or `stop`, as `fails` says; a source and a sink whose task's `start` or `stop` never
 * returns, as `hangs` says; a sink that writes lines to a file and reports those that
 * begin with `bad`, and notes its partitions in another file; a transformation that fails for `flaky`, as if it could succeed later, and notes each attempt in a
 * file; a predicate for the beginning of a value.
 */
export const RECORD_PLUGIN = `
import { appendFileSync } from "node:fs";
const failing = {
  type: "source",
  className: "records.Failing",
  taskClassName: "records.FailingTask",
  version: "1",
  connector: () => ({
    config: { fails: { type: "string", doc: "start or stop." } },
    async start(_context, { fails }) { this.fails = fails; if (fails === "start") throw new Error("no start"); },
    async taskConfigs() { return []; },
    async stop() { if (this.fails === "stop") throw new Error("no stop"); },
  }),
  task: async () => ({}),
};
const never = new Promise(() => {});
const hanging = (type) => ({
  type,
  className: "records.Hanging." + type,
  taskClassName: "records.HangingTask." + type,
  version: "1",
  connector: () => ({
    config: { hangs: { type: "string", doc: "start or stop." } },
    async start(_context, props) { this.props = props; },
    async taskConfigs() { return [{ hangs: this.props.hangs }]; },
    async stop() {},
  }),
  task: async () => ({
    async start(_context, { hangs }) { this.hangs = hangs; if (hangs === "start") await never; },
    async poll() { await new Promise((done) => setTimeout(done, 50)); return null; },
    async open() {},
    async put() {},
    async preCommit(current) { return current; },
    async close() {},
    async stop() { if (this.hangs === "stop") await never; },
  }),
});
const picky = {
  type: "sink",
  className: "records.Picky",
  taskClassName: "records.PickyTask",
  version: "1",
  connector: () => ({
    config: { file: { type: "string", doc: "File." } },
    async start(_context, props) { this.props = props; },
    async taskConfigs() { return [{ file: this.props.file }]; },
    async stop() {},
  }),
  task: async () => ({
    async start(context, { file }) { this.context = context; this.file = file; },
    note(call, partitions) {
      appendFileSync(this.file + ".calls", call + " " + partitions.map(({ topic }) => topic).sort().join() + "\\n");
    },
    async open(partitions) { this.note("open", partitions); },
    async put(records) {
      for (const record of records) {
        if (String(record.value).startsWith("bad")) await this.context.reportErrant(record, new TypeError("a bad line"));
        else appendFileSync(this.file, record.value + "\\n");
      }
    },
    async preCommit(current) { return current; },
    async close(partitions) { this.note("close", partitions); },
    async stop() {},
  }),
};
const flaky = {
  className: "records.Flaky",
  version: "1",
  transformation() {
    let file;
    return {
      config: {},
      configure(props) { file = props.file; },
      apply(record) {
        if (record.value !== "flaky") return record;
        appendFileSync(file, "again\\n");
        throw Object.defineProperty(new Error("not now"), Symbol.for("millrace.error.kind"), { value: "retriable" });
      },
      close() {},
    };
  },
};
const begins = {
  className: "records.Begins",
  version: "1",
  predicate() {
    let text;
    return { config: {}, configure(props) { text = props.text; }, test: ({ value }) => String(value).startsWith(text) };
  },
};
export default [failing, hanging("source"), hanging("sink"), picky, flaky, begins];
`;
