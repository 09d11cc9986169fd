import type { PATHS } from "../../contract/rest-api.js";
import type { SCHEMAS, Schema } from "./schemas.js";

type SchemaName = keyof typeof SCHEMAS;

/** One method of one path. */
export interface Operation {
  readonly summary: string;
  readonly query?: Readonly<Record<string, Schema>>;
  readonly body?: SchemaName;
  /** Successful answers, by status, each with the schema of its body; null for none. Errors are the same everywhere. */
  readonly answers: Readonly<Record<number, SchemaName | null>>;
  /** The media type of these answers; by default JSON. */
  readonly produces?: string;
  /** Whether only workers send it, signed. */
  readonly isInternal?: boolean;
}

export type PathName = keyof typeof PATHS;

const flag: Schema = { type: "boolean", default: false };
const write = (summary: string, status: number): Operation => ({ summary, answers: { [status]: null } });

/** Every operation, by the name of its path and by its method in lower case. */
export const OPERATIONS: Readonly<Record<PathName, Readonly<Record<string, Operation>>>> = {
  root: { get: { summary: "The versions of the worker and the id of its Kafka cluster", answers: { 200: "Server" } } },
  health: {
    get: {
      summary: "Whether the worker can handle requests",
      answers: { 200: "Health", 500: "Health", 503: "Health" },
    },
  },
  metrics: {
    get: {
      summary: "The metrics of the worker, in Prometheus's text format",
      answers: { 200: "Metrics" },
      produces: "text/plain",
    },
  },
  openapi: { get: { summary: "This document", answers: { 200: "Document" } } },
  connectors: {
    get: {
      summary: "The names of the connectors; with expand, an object with their status and info",
      query: { expand: { type: "array", items: { type: "string" } } },
      answers: { 200: "Connectors" },
    },
    post: { summary: "Creates a connector", body: "CreateRequest", answers: { 201: "Connector" } },
  },
  connector: {
    get: { summary: "A connector with its configuration and tasks", answers: { 200: "Connector" } },
    delete: write("Deletes a connector and stops its tasks", 204),
  },
  config: {
    get: { summary: "A connector's configuration", answers: { 200: "Config" } },
    put: {
      summary: "Creates a connector, or replaces its configuration",
      body: "SubmittedConfig",
      answers: { 200: "Connector", 201: "Connector" },
    },
    patch: {
      summary: "Changes keys of a configuration; null removes a key",
      body: "SubmittedConfig",
      answers: { 200: "Connector" },
    },
  },
  status: { get: { summary: "The states of a connector and its tasks", answers: { 200: "ConnectorStatus" } } },
  restart: {
    post: {
      summary: "Restarts a connector, its tasks, or both",
      query: { includeTasks: flag, onlyFailed: flag },
      answers: { 202: "ConnectorStatus", 204: null },
    },
  },
  pause: { put: write("Pauses a connector and its tasks", 202) },
  resume: { put: write("Resumes a paused or stopped connector", 202) },
  stop: { put: write("Stops a connector and removes its tasks", 204) },
  tasks: {
    get: { summary: "The tasks of a connector, with their configurations", answers: { 200: "Tasks" } },
    post: {
      summary: "Publishes the task configurations that a worker generated",
      body: "TaskConfigs",
      answers: { 204: null },
      isInternal: true,
    },
  },
  fence: {
    put: {
      summary: "Fences the producers of a source connector's earlier tasks",
      answers: { 204: null },
      isInternal: true,
    },
  },
  taskStatus: { get: { summary: "The state of a task", answers: { 200: "TaskStatus" } } },
  taskRestart: { post: write("Restarts a task", 204) },
  topics: { get: { summary: "The topics that a connector has used", answers: { 200: "Topics" } } },
  topicsReset: { put: write("Forgets the topics that a connector has used", 202) },
  offsets: {
    get: { summary: "The offsets of a connector", answers: { 200: "Offsets" } },
    patch: {
      summary: "Changes offsets of a stopped connector; a null offset deletes that of its partition",
      body: "Offsets",
      answers: { 200: "Message" },
    },
    delete: { summary: "Deletes the offsets of a stopped connector", answers: { 200: "Message" } },
  },
  plugins: {
    get: {
      summary: "The plugins of this worker",
      query: { connectorsOnly: { type: "boolean", default: true } },
      answers: { 200: "Plugins" },
    },
  },
  pluginConfig: {
    get: {
      summary: "The keys of a plugin's configuration",
      query: { version: { type: "string", description: "A version, or a Maven range of versions; or latest." } },
      answers: { 200: "ConfigKeys" },
    },
  },
  validate: {
    put: { summary: "Validates a configuration", body: "SubmittedConfig", answers: { 200: "ConfigInfos" } },
  },
  loggers: { get: { summary: "The loggers with their levels", answers: { 200: "Loggers" } } },
  logger: {
    get: { summary: "The level of a logger", answers: { 200: "Logger" } },
    put: {
      summary: "Sets the level of a logger and of those whose names begin with its name",
      query: { scope: { enum: ["worker", "cluster"], default: "worker" } },
      body: "LevelRequest",
      answers: { 200: "Names", 204: null },
    },
  },
};
