import type { SourceMap, SourceTaskContext } from "../../../src/api/index.js";
import type { Settings } from "../config/settings.js";
import { FileChannel } from "./file-channel.js";
import { KafkaChannel } from "./kafka-channel.js";
import type { SignalChannel } from "./signal-channel.js";
import { SignalInbox, signalledKafkaOffset } from "./signal-inbox.js";

/** The inbox of a task, over the channels that its configuration enables. @throws ConfigError for a client's property */
export function openInbox(settings: Settings, context: SourceTaskContext, stored: SourceMap | null): SignalInbox {
  const { clock, random, logger, stopping } = context;
  const { signalChannels, signalKafka, signalFile, signalPollMs, topicPrefix } = settings;
  const channels: SignalChannel[] = [];
  if (signalChannels.has("kafka")) {
    const { topic, properties, pollTimeoutMs } = signalKafka;
    const reader = context.openTopic({
      topic,
      partition: 0,
      properties,
      keyPrefix: "signal.consumer.",
      notBefore: signalledKafkaOffset(stored),
    });
    channels.push(new KafkaChannel({ reader, topic, key: topicPrefix, pollTimeoutMs, logger }));
  }
  if (signalChannels.has("file")) channels.push(new FileChannel(signalFile, topicPrefix, logger));
  return new SignalInbox({ channels, stored, pollMs: signalPollMs, clock, random, logger, stopping });
}
