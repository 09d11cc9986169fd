/**
 * A source whose tasks are as many as `number` says, note their start in a file, and produce nothing; and one whose `start`
 * or `stop` never returns, as `blocks` says.
 */
export const ACCEPTANCE_PLUGIN = `
import { appendFileSync } from "node:fs";
const task = { async start(_context, { at, log }) { if (log) appendFileSync(log, at + "\\n"); }, async poll() { await new Promise((done) => setTimeout(done, 50)); return null; }, async stop() {} };
const never = new Promise(() => {});
const blocking = {
  type: "source",
  className: "acceptance.Blocks",
  taskClassName: "acceptance.ManyTask",
  version: "1",
  connector: () => ({
    config: { blocks: { type: "string", doc: "start or stop." } },
    async start(_context, props) { this.blocks = props.blocks; if (this.blocks === "start") await never; },
    async taskConfigs() { return []; },
    async stop() { if (this.blocks === "stop") await never; },
  }),
  task: async () => ({ ...task }),
};
const many = {
  type: "source",
  className: "acceptance.Many",
  taskClassName: "acceptance.ManyTask",
  version: "1",
  connector: () => {
    let number = 0;
    let log = "";
    return {
      config: { number: { type: "int", doc: "Tasks." }, log: { type: "string", doc: "File.", default: "" } },
      async start(_context, props) { number = Number(props.number); log = props.log ?? ""; },
      async taskConfigs() { return Array.from({ length: number }, (_, at) => ({ at: String(at), log })); },
      async stop() {},
    };
  },
  task: async () => ({ ...task }),
};
export default [many, blocking];
`;
