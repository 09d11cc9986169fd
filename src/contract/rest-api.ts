/** The REST API's constants, shared by the routes, by clients of the API and by their tests. */

export const MEDIA_TYPE = "application/json";

/** The version of Kafka Connect whose REST API this is. Clients check it. */
export const API_VERSION = "4.3.1";

/** A request that waits longer for the herder gets a 500 with the herder's current stage. */
export const REQUEST_TIMEOUT_MS = 90_000;
export const HEALTH_TIMEOUT_MS = 10_000;

/** The largest request body, in bytes. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** Every path, in Express's notation. Names are URL-encoded; they may contain anything but control characters. */
export const PATHS = {
  root: "/",
  health: "/health",
  /** The next two are our own. */
  openapi: "/openapi.json",
  metrics: "/metrics",
  connectors: "/connectors",
  connector: "/connectors/:connector",
  config: "/connectors/:connector/config",
  status: "/connectors/:connector/status",
  restart: "/connectors/:connector/restart",
  pause: "/connectors/:connector/pause",
  resume: "/connectors/:connector/resume",
  stop: "/connectors/:connector/stop",
  tasks: "/connectors/:connector/tasks",
  fence: "/connectors/:connector/fence",
  taskStatus: "/connectors/:connector/tasks/:task/status",
  taskRestart: "/connectors/:connector/tasks/:task/restart",
  topics: "/connectors/:connector/topics",
  topicsReset: "/connectors/:connector/topics/reset",
  offsets: "/connectors/:connector/offsets",
  plugins: "/connector-plugins",
  pluginConfig: "/connector-plugins/:plugin/config",
  validate: "/connector-plugins/:plugin/config/validate",
  loggers: "/admin/loggers",
  logger: "/admin/loggers/:logger",
} as const;

/** Headers of a request between workers (KIP-507). */
export const SIGNATURE_HEADER = "X-Connect-Authorization";
export const SIGNATURE_ALGORITHM_HEADER = "X-Connect-Request-Signature-Algorithm";

/** Our own header between workers: the offset of the record that task configs were generated from. Optional. */
export const CONFIG_OFFSET_HEADER = "X-Millrace-Config-Offset";

/** The body of every answer of 400 and above. */
export interface ErrorBody {
  readonly error_code: number;
  readonly message: string;
}
