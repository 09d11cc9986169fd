import {
  ConfigError,
  type ConfigValue,
  type ConnectorContext,
  type Props,
  parseConfig,
  type SinkConnector,
  type ValidationContext,
} from "../../src/api/index.js";
import { judgeSettings, requireSettings } from "./config/config-validation.js";
import { S3_SINK_CONFIG, type S3SinkValues } from "./config/s3-sink-config.js";
import { planWriter } from "./partition/plan-writer.js";
import type { ObjectStoreClient } from "./store/object-store-client.js";
import { judgeStoreFailure, storeError } from "./store/store-failure.js";
import { storePlace, storeSettings } from "./store/store-settings.js";

const HEAD_TIMEOUT_MS = 3000;

/** The S3 sink: every task has the same configuration; the consumer group divides the partitions among them. */
export class S3SinkConnector implements SinkConnector {
  readonly config = S3_SINK_CONFIG;
  #props: Props = {};

  /**
   * Checks beyond single keys: keys that contradict each other, the partitioner's own settings, and whether the bucket
   * exists. A store that does not answer is not the configuration's fault: it is logged, and the task will wait for it.
   */
  async validate(
    props: Readonly<Record<string, string | null>>,
    values: ConfigValue[],
    context: ValidationContext,
  ): Promise<ConfigValue[]> {
    if (values.some((value) => value.errors.length > 0)) return values;
    const parsed = parseConfig(S3_SINK_CONFIG, props);
    const complain = (key: string, message: string) => values.find((value) => value.name === key)?.errors.push(message);
    const complaints = judgeSettings(parsed);
    for (const { key, message } of complaints) complain(key, message);
    if (complaints.length > 0) return values;
    try {
      planWriter(parsed);
      await lookAtBucket(parsed, context);
    } catch (error) {
      if (error instanceof ConfigError) complain(error.key, error.message);
      else complain("s3.bucket.name", (error as Error).message);
    }
    return values;
  }

  async start(_context: ConnectorContext, props: Props): Promise<void> {
    const values = parseConfig(S3_SINK_CONFIG, props);
    requireSettings(values);
    planWriter(values);
    this.#props = props;
  }

  async taskConfigs(maxTasks: number): Promise<Record<string, string>[]> {
    return Array.from({ length: maxTasks }, () => ({ ...this.#props }));
  }

  /** The group's offsets are the only ones. Objects that exist stay: records in them are not written again. */
  async alterOffsets(): Promise<boolean> {
    return true;
  }

  async stop(): Promise<void> {}
}

async function lookAtBucket(values: S3SinkValues, { clock, logger }: ValidationContext): Promise<void> {
  const settings = storeSettings(values);
  const place = storePlace(settings);
  const { AwsStoreClient } = await import("./store/aws-store-client.js");
  const client = new AwsStoreClient(settings, logger);
  const timeout = new AbortController();
  const timer = clock.schedule(HEAD_TIMEOUT_MS, () => timeout.abort());
  try {
    await client.headBucket(timeout.signal);
  } catch (first) {
    const error = await explainRefusal(client, first, timeout.signal);
    const failure = judgeStoreFailure(error);
    switch (failure.kind) {
      case "no-such-bucket":
      case "bad-credentials":
      case "no-credentials":
      case "wrong-region":
      case "not-s3":
        throw storeError(failure, place, "looking at the bucket", error);
      default:
        logger.warn("The bucket could not be checked", { ...place, cause: failure.cause });
    }
  } finally {
    timer.cancel();
    client.destroy();
  }
}

/**
 * A refused HEAD has no body: the keys may be wrong, or a policy may only forbid HeadBucket. A GET of any object, even
 * a missing one, is answered with a body that distinguishes the two.
 */
async function explainRefusal(client: ObjectStoreClient, error: unknown, signal: AbortSignal): Promise<unknown> {
  if (judgeStoreFailure(error).kind !== "access-denied") return error;
  try {
    await client.getObject("millrace-validation", signal);
    return error;
  } catch (explained) {
    return explained;
  }
}
