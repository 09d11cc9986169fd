import type { SinkPlugin } from "../../src/api/index.js";
import { ERROR_CODES } from "./error-codes.js";
import { S3SinkConnector } from "./s3-sink-connector.js";

/** Version of the connector's contract: that of Millrace itself. */
const VERSION = "0.1.0";

/** The S3 sink. The AWS SDK is loaded in task hosts, and by a validation that looks at the bucket. */
const s3Sink: SinkPlugin = {
  type: "sink",
  className: "io.confluent.connect.s3.S3SinkConnector",
  taskClassName: "io.confluent.connect.s3.S3SinkTask",
  version: VERSION,
  errorCodes: ERROR_CODES,
  connector: () => new S3SinkConnector(),
  task: async () => {
    const [{ S3SinkTask }, { AwsStoreClient }] = await Promise.all([
      import("./s3-sink-task.js"),
      import("./store/aws-store-client.js"),
    ]);
    return new S3SinkTask((settings, logger) => new AwsStoreClient(settings, logger));
  },
};

export default [s3Sink];
