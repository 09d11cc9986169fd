import { errorKind, invalidValue, javaPattern, type Props } from "../../api/index.js";
import type { SubmittedConfig } from "../../contract/connector-info.js";
import { countOrDefault } from "../../contract/connector-keys.js";
import { topicNameFault } from "../../kafka/topic-name.js";
import { topicChoiceFault } from "../../worker/sink/sink-topics.js";
import { topicCreationFaults } from "../../worker/source/topic-creation.js";
import { overrideFaults } from "../../worker/task/client-faults.js";
import { sinkGroupId } from "../../worker/task/task-client-properties.js";
import { aliasesOf, predicateFault } from "../../worker/task/transformation-chain.js";
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
 * The rules for connector configs beyond single keys of the framework, including those that Kafka Connect checks only
 * when a task starts. Calls `complain` for each broken one.
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
  for (const alias of aliasesOf(given["transforms"])) {
    const fault = predicateFault(given, alias);
    if (fault !== undefined) complain(`transforms.${alias}.predicate`, fault);
  }
  if (type === "sink") sinkRules(given, groupId, complain);
  else {
    // The key's own check has reported the faults of topic.creation.groups.
    const { "topic.creation.groups": _, ...faults } = Object.fromEntries(topicCreationFaults(workerProps, given));
    complainAll(new Map(Object.entries(faults)));
    const offsetsTopic = given["offsets.storage.topic"]?.trim() ?? "";
    const fault = offsetsTopic === "" ? undefined : topicNameFault(offsetsTopic);
    if (fault !== undefined)
      complain("offsets.storage.topic", invalidValue("offsets.storage.topic", offsetsTopic, fault));
  }
  complainAll(overrideFaults(workerProps, given));
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
  for (const topic of topics) {
    const wrong = topic === "" ? undefined : topicNameFault(topic);
    if (wrong !== undefined) complain("topics", invalidValue("topics", props["topics"], wrong));
  }
  deadLetterRules(props, topics, complain);
  const key = GROUP_OVERRIDE;
  const override = props[key];
  if (override?.trim() === "") complain(key, invalidValue(key, "", "String must be non-empty"));
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
  const key = "errors.deadletterqueue.topic.name";
  const name = props[key]?.trim() ?? "";
  if (name === "") return;
  const fault = topicNameFault(name);
  if (fault !== undefined) complain(key, invalidValue(key, name, fault));
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
  const replication = "errors.deadletterqueue.topic.replication.factor";
  const replicas = countOrDefault(replication, Number(props[replication] ?? 3));
  if (replicas !== undefined) complain(replication, replicas);
}

function matches(regex: string, topic: string): boolean {
  try {
    return javaPattern("topics.regex", regex).test(topic);
  } catch (error) {
    if (errorKind(error) === "config") return false; // reported by the key's own check
    throw error;
  }
}
