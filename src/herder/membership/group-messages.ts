import type { TaskId } from "../../contract/task-id.js";
import type { GroupProtocol } from "../../kafka/client/group-member.js";
import {
  CONNECT_PROTOCOLS,
  CONNECTOR_TASK,
  decodeConnectAssignment,
  decodeConnectMetadata,
  encodeConnectAssignment,
  encodeConnectMetadata,
} from "../../kafka/group/connect-group.js";
import { isEmpty, NO_WORK, type Work, workOf } from "../work.js";

/** `connect.protocol`, from old to new. */
export type ConnectProtocol = "eager" | "compatible" | "sessioned";

/** An assignment's error: the leader has not read as far as a member. Nothing is assigned; rejoin. */
export const CONFIG_MISMATCH = 1;

/** A worker's message to the leader when it joins. */
export interface MemberMetadata {
  readonly url: string;
  /** The config topic offset up to which it has read. */
  readonly configOffset: number;
  /** The work that it runs; none under the eager protocol. */
  readonly held: Work;
}

/** A worker's place, as assigned by the leader. */
export interface AssignedPlace {
  readonly version: number;
  readonly error: number;
  readonly leaderId: string;
  readonly leaderUrl: string;
  readonly configOffset: number;
  readonly assigned: Work;
  readonly revoked: Work;
  readonly delayMs: number;
}

type WireWork = { connector: string; tasks: number[] }[];

const OFFERED = {
  eager: ["default"],
  compatible: ["compatible", "default"],
  sessioned: ["sessioned", "compatible", "default"],
} as const;

/** The protocols to offer, most preferred first. */
export function offeredProtocols(protocol: ConnectProtocol, metadata: MemberMetadata): GroupProtocol[] {
  return OFFERED[protocol].map((name) => {
    const version = CONNECT_PROTOCOLS[name];
    const allocation =
      version === 0 || isEmpty(metadata.held)
        ? null
        : encodeConnectAssignment(version, {
            error: 0,
            leader: "",
            leaderUrl: "",
            configOffset: metadata.configOffset,
            assigned: toWire(metadata.held),
            revoked: null,
            delayMs: 0,
          });
    return {
      name,
      metadata: encodeConnectMetadata(version, {
        url: metadata.url,
        configOffset: metadata.configOffset,
        allocation,
      }),
    };
  });
}

/** Decodes a member's metadata. @throws MalformedError */
export function readMetadata(bytes: Buffer): MemberMetadata {
  const { url, configOffset, allocation } = decodeConnectMetadata(bytes);
  const held = allocation === null ? NO_WORK : fromWire(decodeConnectAssignment(allocation).assigned);
  return { url, configOffset, held };
}

/** Whether members keep running during a rebalance under the protocol of that name. */
export function isIncremental(protocolName: string): boolean {
  return protocolName !== "default";
}

/** Whether requests between workers are signed under the protocol of that name. */
export function isSessioned(protocolName: string): boolean {
  return protocolName === "sessioned";
}

/** Encodes a member's place for the protocol of that name. */
export function writePlace(protocolName: string, place: Omit<AssignedPlace, "version">): Buffer {
  const version = CONNECT_PROTOCOLS[protocolName as keyof typeof CONNECT_PROTOCOLS] ?? 0;
  return encodeConnectAssignment(version, {
    error: place.error,
    leader: place.leaderId,
    leaderUrl: place.leaderUrl,
    configOffset: place.configOffset,
    assigned: toWire(place.assigned),
    revoked: version === 0 ? null : toWire(place.revoked),
    delayMs: place.delayMs,
  });
}

/** Decodes the place from the leader. @throws MalformedError */
export function readPlace(bytes: Buffer): AssignedPlace {
  const { version, error, leader, leaderUrl, configOffset, assigned, revoked, delayMs } =
    decodeConnectAssignment(bytes);
  return {
    version,
    error,
    leaderId: leader,
    leaderUrl,
    configOffset,
    assigned: fromWire(assigned),
    revoked: fromWire(revoked),
    delayMs,
  };
}

function toWire(work: Work): WireWork {
  const byConnector = new Map<string, number[]>();
  const tasksOf = (connector: string) => {
    const tasks = byConnector.get(connector) ?? [];
    byConnector.set(connector, tasks);
    return tasks;
  };
  for (const connector of work.connectors) tasksOf(connector).push(CONNECTOR_TASK);
  for (const { connector, task } of work.tasks.values()) tasksOf(connector).push(task);
  return [...byConnector].map(([connector, tasks]) => ({ connector, tasks }));
}

function fromWire(work: readonly { readonly connector: string; readonly tasks: readonly number[] }[] | null): Work {
  const connectors: string[] = [];
  const ids: TaskId[] = [];
  for (const { connector, tasks } of work ?? []) {
    for (const task of tasks) {
      if (task === CONNECTOR_TASK) connectors.push(connector);
      else ids.push({ connector, task });
    }
  }
  return workOf(connectors, ids);
}
