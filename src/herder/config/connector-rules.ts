import { errorKind } from "../../api/index.js";
import { wholePattern } from "../../base/topic-pattern.js";
import type { SubmittedConfig } from "../../contract/connector-info.js";

type Complain = (key: string, message: string) => void;

/** The rules for connector configs that go beyond one key. `complain` is called for each that is broken. */
export function connectorRules(
  type: "source" | "sink",
  props: SubmittedConfig,
  context: { readonly groupId: string; readonly version: string },
  complain: Complain,
): void {
  versionRule(props, context.version, complain);
  for (const key of ["transforms", "predicates"]) {
    if (props[key]?.trim()) {
      complain(
        key,
        `Invalid value ${props[key]} for configuration ${key}: transformations are not built yet; leave the key out`,
      );
    }
  }
  if (type === "sink") sinkRules(props, context.groupId, complain);
  else sourceRules(props, complain);
}

function versionRule(props: SubmittedConfig, version: string, complain: Complain): void {
  const wanted = props["connector.plugin.version"]?.trim();
  if (!wanted || wanted === "latest" || wanted === version || wanted === `[${version}]`) return;
  const message = `Plugin ${props["connector.class"]} is not there in version ${wanted}: available is ${version}`;
  complain("connector.class", message);
  complain("connector.plugin.version", message);
}

function sinkRules(props: SubmittedConfig, groupId: string, complain: Complain): void {
  const topics = (props["topics"] ?? "").split(",").map((topic) => topic.trim());
  const hasTopics = topics.some((topic) => topic !== "");
  const regex = props["topics.regex"]?.trim() ?? "";
  const both = (message: string) => {
    complain("topics", message);
    complain("topics.regex", message);
  };
  if (hasTopics && regex !== "") both("topics and topics.regex are mutually exclusive options, but both are set.");
  if (!hasTopics && regex === "") both("Must configure one of topics or topics.regex");
  const deadLetters = props["errors.deadletterqueue.topic.name"]?.trim() ?? "";
  if (deadLetters !== "") {
    const key = "errors.deadletterqueue.topic.name";
    if (topics.includes(deadLetters)) {
      complain(
        key,
        `The DLQ topic '${deadLetters}' may not be included in the list of topics ('topics') consumed by the connector`,
      );
    } else if (regex !== "" && matches(regex, deadLetters)) {
      complain(
        key,
        `The DLQ topic '${deadLetters}' may not be included in the regex matching the topics ('topics.regex') consumed by the connector`,
      );
    }
  }
  const override = props["consumer.override.group.id"];
  const consumerGroup = override ?? `connect-${props["name"] ?? ""}`;
  if (consumerGroup === groupId) {
    complain(
      override == null ? "name" : "consumer.override.group.id",
      `Consumer group for sink connector named ${props["name"]} conflicts with Connect worker group ${groupId}: choose another name, or another consumer.override.group.id`,
    );
  }
}

function matches(regex: string, topic: string): boolean {
  try {
    return wholePattern("topics.regex", regex).test(topic);
  } catch (error) {
    if (errorKind(error) === "config") return false; // The key's own check has complained.
    throw error;
  }
}

function sourceRules(props: SubmittedConfig, complain: Complain): void {
  if (props["exactly.once.support"]?.trim().toLowerCase() === "required") {
    complain(
      "exactly.once.support",
      "This worker does not have exactly-once source support enabled: leave exactly.once.support at 'requested'",
    );
  }
  if (props["transaction.boundary"]?.trim().toLowerCase() === "connector") {
    complain(
      "transaction.boundary",
      "The connector does not support connector-defined transaction boundaries with its current configuration.",
    );
  }
}
