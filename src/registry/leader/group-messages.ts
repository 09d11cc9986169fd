import { isObject, type Json, JsonNumber, type JsonObject } from "../json/json-value.js";
import { readJson } from "../json/read-json.js";
import { writeJson } from "../json/write-json.js";

/** The protocol type and the protocol of Schema Registry's groups. */
export const PROTOCOL_TYPE = "sr";
export const PROTOCOL = "v0";

/** A registry, as the group knows it. */
export interface Identity {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  /** Whether it may lead. */
  readonly isEligible: boolean;
  /** Whether it leads now. */
  readonly isLeader: boolean;
}

/** What the leader of the group assigns to all its members. */
export interface LeaderAssignment {
  /** 0: none; 1: two members have the same URL. */
  readonly error: number;
  readonly leader: { readonly memberId: string; readonly identity: Identity } | undefined;
}

export const DUPLICATE_URLS = 1;

export function urlOf({ scheme, host, port }: Identity): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export function writeIdentity(identity: Identity): Buffer {
  return Buffer.from(writeJson(identityJson(identity)));
}

/** @throws Error for bytes of another form */
export function readIdentity(bytes: Buffer): Identity {
  return identityOf(readJson(bytes.toString()));
}

export function writeAssignment({ error, leader }: LeaderAssignment): Buffer {
  const json = new Map<string, Json>([
    ["version", number(1)],
    ["error", number(error)],
  ]);
  if (leader) json.set("master", leader.memberId).set("master_identity", identityJson(leader.identity));
  return Buffer.from(writeJson(json));
}

/** @throws Error for bytes of another form */
export function readAssignment(bytes: Buffer): LeaderAssignment {
  const json = readJson(bytes.toString());
  if (!isObject(json)) throw new Error("no assignment of a registry's group");
  const [master, identity] = [json.get("master"), json.get("master_identity")];
  return {
    error: integerOf(json, "error") ?? 0,
    leader:
      typeof master === "string" && isObject(identity)
        ? { memberId: master, identity: identityOf(identity) }
        : undefined,
  };
}

/**
 * The registry that leads: of those that may the one with the smallest URL, or, if it is to stay, the one that leads.
 *
 * @param isSticky `leader.election.sticky`
 */
export function electLeader(members: ReadonlyMap<string, Identity>, isSticky: boolean): LeaderAssignment {
  const urls = [...members.values()].map(urlOf);
  if (new Set(urls).size < urls.length) return { error: DUPLICATE_URLS, leader: undefined };
  const eligible = [...members].filter(([, { isEligible }]) => isEligible);
  const leading = eligible.filter(([, { isLeader }]) => isLeader);
  const [first] =
    isSticky && leading.length === 1 ? leading : eligible.sort(([, a], [, b]) => (urlOf(a) < urlOf(b) ? -1 : 1));
  return { error: 0, leader: first && { memberId: first[0], identity: first[1] } };
}

function identityJson({ host, port, scheme, isEligible, isLeader }: Identity): JsonObject {
  return new Map<string, Json>([
    ["version", number(1)],
    ["host", host],
    ["port", number(port)],
    ["master_eligibility", isEligible],
    ["scheme", scheme],
    ["leader", isLeader],
  ]);
}

function identityOf(json: Json): Identity {
  const host = isObject(json) ? json.get("host") : undefined;
  const port = isObject(json) ? integerOf(json, "port") : undefined;
  if (!isObject(json) || typeof host !== "string" || port === undefined) throw new Error("no identity of a registry");
  const scheme = json.get("scheme");
  return {
    host,
    port,
    scheme: typeof scheme === "string" ? scheme : "http",
    isEligible: json.get("master_eligibility") === true,
    isLeader: json.get("leader") === true,
  };
}

function integerOf(json: JsonObject, key: string): number | undefined {
  const value = json.get(key);
  return value instanceof JsonNumber && value.isInteger ? Number(value.literal) : undefined;
}

function number(value: number): JsonNumber {
  return new JsonNumber(String(value));
}
