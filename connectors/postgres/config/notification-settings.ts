/** Where notifications go. */
export interface NotificationSettings {
  /** In lower case. */
  readonly channels: ReadonlySet<string>;
  /** Of the channel sink. */
  readonly topic: string | null;
}

const CHANNELS: readonly string[] = ["sink", "log"];

export function notificationSettings(names: readonly string[] | null, topic: string | null): NotificationSettings {
  const channels = (names ?? []).map((name) => name.trim().toLowerCase()).filter((name) => name !== "");
  return { channels: new Set(channels), topic: topic?.trim() || null };
}

/** Why one of the channels is refused; undefined if none is. */
export function notificationChannelFault(names: readonly string[]): string | undefined {
  const { channels } = notificationSettings(names, null);
  const refused = [...channels].find((name) => !CHANNELS.includes(name));
  if (refused === undefined) return undefined;
  const why =
    refused === "jmx"
      ? "there is no JMX without a JVM: /metrics has figures, and log and sink the rest"
      : "it is not known";
  return `Channel '${refused}' cannot be enabled (${why}). Value must be a list of ${CHANNELS.join(", ")}`;
}
