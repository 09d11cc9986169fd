import { errorKind, javaPattern, type Props } from "../../api/index.js";
import type { SubmittedConfig } from "../../contract/connector-info.js";
import { topicChoiceFault } from "../../worker/sink/sink-topics.js";
import { unsupportedOverrides } from "../../worker/task/client-faults.js";
import { sinkGroupId } from "../../worker/task/task-client-properties.js";
import { isolationFaults } from "../../worker/worker-config.js";
import { autoRestartFaults } from "./auto-restart-config.js";
import { withoutNulls } from "./config-references.js";

type Complain = (key: string, message: string) => void;

/** The worker's settings that the rules need. */
export interface RuleContext {
  readonly workerProps: Props;
  /** The worker's own group, which no sink may share; undefined for a standalone worker. */
  readonly groupId: string | undefined;
}

/**
 * The rules for connector configs beyond single keys of the framework. Calls `complain` for each broken one. What Kafka
 * Connect checks when a connector or task starts is checked then here, too: clients see the same answers and states.
 */
export function connectorRules(
  type: "source" | "sink",
  props: SubmittedConfig,
  { workerProps, groupId }: RuleContext,
  complain: Complain,
): void {
  const given = withoutNulls(props);
  const complainAll = (faults: ReadonlyMap<string, string | readonly string[]>) => {
    for (const [key, messages] of faults) for (const message of [messages].flat()) complain(key, message);
  };
  complainAll(isolationFaults(workerProps, given));
  complainAll(autoRestartFaults(given));
  if (type === "sink") sinkRules(given, groupId, complain);
  complainAll(unsupportedOverrides(workerProps, given));
}

/** A sink's own consumer group. */
export const GROUP_OVERRIDE = "consumer.override.group.id";

function sinkRules(props: Props, groupId: string | undefined, complain: Complain): void {
  const fault = topicChoiceFault(props);
  if (fault !== undefined) {
    complain("topics", fault);
    complain("topics.regex", fault);
  }
  const topics = (props["topics"] ?? "").split(",").map((topic) => topic.trim());
  deadLetterRules(props, topics, complain);
  const key = GROUP_OVERRIDE;
  const override = props[key];
  if ((override ?? sinkGroupId(props["name"] ?? "")) === groupId) {
    const group = override === undefined ? `for sink connector named ${props["name"]}` : override;
    complain(
      override === undefined ? "name" : key,
      `Consumer group ${group} conflicts with Connect worker group ${groupId}`,
    );
  }
}

/** Records read from the dead letter topic would return to it for ever. */
function deadLetterRules(props: Props, topics: readonly string[], complain: Complain): void {
  const regex = props["topics.regex"]?.trim() ?? "";
  const name = props["errors.deadletterqueue.topic.name"]?.trim() ?? "";
  if (name === "") return;
  if (topics.includes(name)) {
    complain(
      "topics",
      `The DLQ topic '${name}' may not be included in the list of topics ('topics=[${topics.join(", ")}]') consumed by the connector`,
    );
  } else if (regex !== "" && matches(regex, name)) {
    complain(
      "topics.regex",
      `The DLQ topic '${name}' may not be matched by the regex for the topics ('topics.regex=${regex}') consumed by the connector`,
    );
  }
}

function matches(regex: string, topic: string): boolean {
  try {
    return javaPattern("topics.regex", regex).test(topic);
  } catch (error) {
    if (errorKind(error) === "config") return false; // reported by the key's own check
    throw error;
  }
}
