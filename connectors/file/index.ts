import type { ConnectorPlugin } from "../../src/api/index.js";
import { FileSinkConnector } from "./file-sink-connector.js";
import { FileSourceConnector } from "./file-source-connector.js";

/** The release of Kafka whose file connectors these replace. */
const VERSION = "4.3.1";

const plugins: ConnectorPlugin[] = [
  {
    type: "source",
    className: "org.apache.kafka.connect.file.FileStreamSourceConnector",
    taskClassName: "org.apache.kafka.connect.file.FileStreamSourceTask",
    version: VERSION,
    connector: () => new FileSourceConnector(),
    task: async () => new (await import("./file-source-task.js")).FileSourceTask(),
  },
  {
    type: "sink",
    className: "org.apache.kafka.connect.file.FileStreamSinkConnector",
    taskClassName: "org.apache.kafka.connect.file.FileStreamSinkTask",
    version: VERSION,
    connector: () => new FileSinkConnector(),
    task: async () => new (await import("./file-sink-task.js")).FileSinkTask(),
  },
];

export default plugins;
