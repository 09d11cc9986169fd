export interface ObjectKeySettings {
  /** Blank: keys begin with the topic. Nothing is trimmed otherwise. */
  readonly topicsDir: string;
  readonly directoryDelimiter: string;
  readonly fileDelimiter: string;
  /** Digits of the offset, filled up with zeros on the left. */
  readonly offsetWidth: number;
  /** With its dot: `.json.gz`. */
  readonly extension: string;
}

/**
 * The key of the object whose first record has that offset, in the Confluent sink's form:
 * `topics/orders/partition=3/orders+3+0000012000.json.gz`. Exactly-once depends on it: equal records get equal keys.
 */
export function objectKey(
  settings: ObjectKeySettings,
  topic: string,
  partition: number,
  encodedPartition: string,
  startOffset: number,
): string {
  const { topicsDir, directoryDelimiter: slash, fileDelimiter: plus } = settings;
  const folder = `${topicsDir.trim() === "" ? "" : topicsDir + slash}${topic}${slash}${encodedPartition}`;
  const offset = String(startOffset).padStart(settings.offsetWidth, "0");
  return `${folder}${slash}${topic}${plus}${partition}${plus}${offset}${settings.extension}`;
}
