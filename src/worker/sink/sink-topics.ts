import { ConfigError, type Props } from "../../api/index.js";
import { wholePattern } from "../../base/topic-pattern.js";

/**
 * The topics of a sink connector: names from `topics`, or a pattern from `topics.regex`, which matches whole names.
 *
 * @throws ConfigError unless exactly one of the two is given and can be used.
 */
export function parseSinkTopics(props: Props): readonly string[] | RegExp {
  const names = (props["topics"] ?? "").split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
  const source = props["topics.regex"]?.trim() ?? "";
  if (names.length > 0 && source !== "") {
    throw new ConfigError("topics.regex", "topics and topics.regex are mutually exclusive options, but both are set.");
  }
  if (source !== "") return wholePattern("topics.regex", source);
  if (names.length > 0) return names;
  throw new ConfigError("topics", "Must configure one of topics or topics.regex", { code: "CONFIG_MISSING" });
}
