import type { WriteTexts } from "../leader/leader-writes.js";

const texts = (operation: string, name: string, more: Partial<WriteTexts> = {}): WriteTexts => ({
  forward: `Error while forwarding ${operation} request to the leader`,
  noLeader: "Leader not known.",
  timeout: `${name} operation timed out`,
  store: `${name} operation failed while writing to the Kafka store`,
  ...more,
});

export const REGISTER = texts("register schema", "Register", {
  store: "Register schema operation failed while writing to the Kafka store",
});
export const DELETE_SUBJECT = texts("delete subject", "Delete subject");
export const DELETE_VERSION = texts("delete schema version", "Delete Schema Version");
export const DELETE_CONTEXT = texts("delete context", "Delete context");

const CONFIG = "Failed to update compatibility level";
export const UPDATE_CONFIG = texts("update config", "Update config", { noLeader: CONFIG, store: CONFIG });
export const DELETE_CONFIG = texts("delete config", "Delete config", {
  noLeader: "Failed to delete compatibility level",
  store: "Failed to delete compatibility level",
});
export const UPDATE_MODE = texts("update mode", "Update mode", {
  noLeader: "Failed to update mode",
  store: "Failed to update mode",
});
export const DELETE_MODE = texts("delete mode", "Delete mode", {
  noLeader: "Failed to delete mode",
  store: "Failed to delete mode",
});
