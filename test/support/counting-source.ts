/**
 * A plugin of two sources. `counting.Counts` counts in each of its partitions up to the number in a file, divided among
 * as many tasks as tasks.max says. `counting.Batches` counts in transactions of 1, 1, 2, 3, 5, … records, of which it
 * aborts every other one.
 */
export const COUNTING_SOURCE = `
import { readFileSync } from "node:fs";
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const record = (sourcePartition, sourceOffset, topic, value) =>
  ({ sourcePartition, sourceOffset, topic, partition: null, keySchema: null, key: null, valueSchema: null, value, timestampMs: null, headers: [] });

const counts = {
  type: "source",
  className: "counting.Counts",
  taskClassName: "counting.CountsTask",
  version: "1",
  connector: () => ({
    config: {
      topic: { type: "string", doc: "Topic." },
      partitions: { type: "int", doc: "Partitions of the source." },
      limit: { type: "string", doc: "File with the number to count to." },
    },
    async start(_context, props) { this.props = props; },
    async taskConfigs(most) {
      const { topic, limit, partitions } = this.props;
      const all = Array.from({ length: Number(partitions) }, (_, at) => at);
      const tasks = Math.min(most, all.length);
      return Array.from({ length: tasks }, (_, task) => ({ topic, limit, mine: all.filter((at) => at % tasks === task).join() }));
    },
    async stop() {},
    async exactlyOnceSupport() { return "SUPPORTED"; },
  }),
  task: async () => ({
    async start(context, { topic, limit, mine }) {
      this.stopping = context.stopping;
      this.limit = limit;
      this.topic = topic;
      this.next = new Map(mine.split(",").map((partition) => [partition, 0]));
      for (const { partition, offset } of await context.readOffsets([...this.next.keys()].map((of) => ({ of }))))
        if (offset) this.next.set(partition.of, offset.count + 1);
    },
    async poll() {
      const limit = Number(readFileSync(this.limit, "utf8"));
      const records = [];
      for (const [of, from] of this.next) {
        const to = Math.min(limit, from + 10);
        for (let count = from; count < to; count++)
          records.push(record({ of }, { count }, this.topic, of + ":" + count));
        this.next.set(of, to);
      }
      await pause(records.length > 0 ? 2 : 20);
      return records;
    },
    async stop() {},
  }),
};

const batches = {
  type: "source",
  className: "counting.Batches",
  taskClassName: "counting.BatchesTask",
  version: "1",
  connector: () => ({
    config: {
      topic: { type: "string", doc: "Topic." },
      batches: { type: "int", doc: "Transactions." },
    },
    async start(_context, props) { this.props = props; },
    async taskConfigs() { const { topic, batches } = this.props; return [{ topic, batches }]; },
    async stop() {},
    async exactlyOnceSupport() { return "SUPPORTED"; },
    async canDefineTransactionBoundaries() { return "SUPPORTED"; },
  }),
  task: async () => ({
    async start(context, { topic, batches }) {
      this.context = context;
      this.topic = topic;
      /** The last count of each transaction. */
      this.ends = [];
      for (let at = 0, size = 1, next = 1, last = -1; at < Number(batches); at++) {
        this.ends.push((last += size));
        [size, next] = [next, size + next];
      }
      const [{ offset }] = await context.readOffsets([{}]);
      this.next = offset ? offset.count + 1 : 0;
    },
    async poll() {
      const records = [];
      for (; records.length < 7 && this.next <= this.ends.at(-1); this.next++) {
        const one = record({}, { count: this.next }, this.topic, String(this.next));
        records.push(one);
        const ended = this.ends.indexOf(this.next);
        if (ended >= 0 && ended % 2 === 0) this.context.transactions.commitTransaction(one);
        if (ended >= 0 && ended % 2 === 1) this.context.transactions.abortTransaction(one);
      }
      await pause(records.length > 0 ? 2 : 20);
      return records;
    },
    async stop() {},
  }),
};

export default [counts, batches];
`;
