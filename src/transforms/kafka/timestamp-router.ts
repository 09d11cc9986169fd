import {
  type Clock,
  type ConnectRecord,
  DataError,
  type Props,
  parseConfig,
  type Transformation,
} from "../../api/index.js";
import { SimpleDateFormat } from "../time/simple-date-format.js";

const CONFIG = {
  "topic.format": {
    type: "string",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders of the setting.
    default: "${topic}-${timestamp}",
    importance: "high",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders of the setting.
    doc: "The new topic, in which ${topic} and ${timestamp} stand for the record's.",
  },
  "timestamp.format": {
    type: "string",
    default: "yyyyMMdd",
    importance: "high",
    doc: "The form of the timestamp, a pattern of Java's SimpleDateFormat.",
  },
} as const;

/** Makes the record's time a part of its topic. */
export class TimestampRouter implements Transformation {
  readonly config = CONFIG;
  #topicFormat = "";
  #format: SimpleDateFormat | undefined;

  constructor(private readonly clock: Pick<Clock, "nowMs">) {}

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#topicFormat = values["topic.format"];
    this.#format = new SimpleDateFormat("timestamp.format", values["timestamp.format"], this.clock);
  }

  apply(record: ConnectRecord): ConnectRecord {
    if (record.timestampMs === null)
      throw new DataError("VALUE_INVALID", `Timestamp missing on a record of topic ${record.topic}`);
    const time = this.#format!.format(record.timestampMs);
    const topic = this.#topicFormat.replace(/\$\{topic\}/g, () => record.topic).replace(/\$\{timestamp\}/g, () => time);
    return record.with({ topic });
  }
}
