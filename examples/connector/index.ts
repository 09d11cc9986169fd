import type { ConnectorPlugin } from "millrace/api";
import { HttpSinkConnector } from "./http-sink.js";
import { HttpSourceConnector } from "./http-source.js";

const plugins: ConnectorPlugin[] = [
  {
    type: "source",
    className: "example.HttpSourceConnector",
    taskClassName: "example.HttpSourceTask",
    version: "1.0.0",
    connector: () => new HttpSourceConnector(),
    task: async () => new (await import("./http-source.js")).HttpSourceTask(),
  },
  {
    type: "sink",
    className: "example.HttpSinkConnector",
    taskClassName: "example.HttpSinkTask",
    version: "1.0.0",
    connector: () => new HttpSinkConnector(),
    task: async () => new (await import("./http-sink.js")).HttpSinkTask(),
  },
];

export default plugins;
