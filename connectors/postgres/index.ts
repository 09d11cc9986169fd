import type { SourcePlugin } from "../../src/api/index.js";
import { ERROR_CODES } from "./error-codes.js";
import { PostgresConnector } from "./postgres-connector.js";
import { FORMAT_VERSION } from "./tables/source-block.js";

/** Postgres change data capture in Debezium's format. */
const postgres: SourcePlugin = {
  type: "source",
  className: "io.debezium.connector.postgresql.PostgresConnector",
  taskClassName: "io.debezium.connector.postgresql.PostgresConnectorTask",
  version: FORMAT_VERSION,
  errorCodes: ERROR_CODES,
  connector: () => new PostgresConnector(),
  task: async () => {
    const { PostgresSourceTask } = await import("./postgres-source-task.js");
    return new PostgresSourceTask();
  },
};

export default [postgres];
