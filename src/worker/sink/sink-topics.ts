import { ConfigError, invalidValue, javaPattern, type Props } from "../../api/index.js";
import { topicNameFault } from "../../kafka/topic-name.js";

/** The values of a sink's `topics` and `topics.regex`, trimmed. */
function chosenTopics(props: Props): { readonly names: readonly string[]; readonly regex: string } {
  const names = (props["topics"] ?? "").split(",").map((name) => name.trim());
  return { names: names.filter((name) => name !== ""), regex: props["topics.regex"]?.trim() ?? "" };
}

/** The error in the two keys together: exactly one must be set. */
export function topicChoiceFault(props: Props): string | undefined {
  const { names, regex } = chosenTopics(props);
  if (names.length > 0 && regex !== "")
    return "topics and topics.regex are mutually exclusive options, but both are set.";
  return names.length === 0 && regex === "" ? "Must configure one of topics or topics.regex" : undefined;
}

/**
 * The topics of a sink connector: names from `topics`, or a pattern from `topics.regex`, which matches whole names.
 *
 * @throws ConfigError unless exactly one is set, and is valid.
 */
export function parseSinkTopics(props: Props): readonly string[] | RegExp {
  const { names, regex } = chosenTopics(props);
  const fault = topicChoiceFault(props);
  if (fault !== undefined) {
    const isMissing = regex === "";
    throw new ConfigError(isMissing ? "topics" : "topics.regex", fault, isMissing ? { code: "CONFIG_MISSING" } : {});
  }
  if (regex !== "") return javaPattern("topics.regex", regex);
  for (const name of names) {
    const illegal = topicNameFault(name);
    if (illegal !== undefined) throw new ConfigError("topics", invalidValue("topics", name, illegal));
  }
  return names;
}
