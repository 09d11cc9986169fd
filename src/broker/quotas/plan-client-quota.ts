import { isIP } from "node:net";
import { hostAddress } from "../access/host-address.js";
import type { StoredClientQuota } from "../metadata/broker-metadata.js";
import { ADDRESS_KEYS, CLIENT_KEYS, type QuotaEntity, type QuotaKey } from "./client-quota.js";

/** An entity as requests name it: a list of types and names, which may be wrong. */
export interface EntityPart {
  readonly entityType: string;
  readonly entityName: string | null;
}

interface Operation {
  readonly key: string;
  readonly value: number;
  readonly remove: boolean;
}

/** The quotas of an entity after a change, or why it is refused. */
export type QuotaPlan = { readonly kind: "quota"; readonly quota: StoredClientQuota } | QuotaFault;

interface QuotaFault {
  readonly kind: "refused";
  readonly message: string;
}

const TYPES = ["user", "client-id", "ip"];
/** How far a whole number may be off by the rounding of a double. */
const EPSILON = 1e-6;
const MOST: Readonly<Record<QuotaKey["type"], number>> = {
  double: Number.POSITIVE_INFINITY,
  int: 2 ** 31 - 1,
  long: 2 ** 63,
};

const refused = (message: string): QuotaFault => ({ kind: "refused", message });

/** The entity that a request names; of a type that comes twice, the last name counts, as in Kafka. */
export function quotaEntity(
  parts: readonly EntityPart[],
): { readonly kind: "entity"; readonly entity: QuotaEntity } | QuotaFault {
  if (parts.length === 0) return refused("Invalid empty client quota entity");
  const names = new Map<string, string | null>();
  for (const { entityType, entityName } of parts) {
    if (!TYPES.includes(entityType)) {
      return refused(`Unhandled client quota entity type: ${entityType}`);
    }
    if (entityName === "") return refused(`Empty ${entityType} not supported`);
    names.set(entityType, entityType === "ip" && entityName !== null ? hostAddress(entityName) : entityName);
  }
  return { kind: "entity", entity: Object.fromEntries(names) };
}

/** Plans the change of an entity's quotas. @param current those that it has. */
export function planClientQuota(
  entity: QuotaEntity,
  operations: readonly Operation[],
  current: StoredClientQuota["values"],
): QuotaPlan {
  const { ip } = entity;
  if (ip !== undefined && Object.keys(entity).length > 1) {
    return refused("Invalid quota entity combination, IP entity should not be combined with User or ClientId");
  }
  if (typeof ip === "string" && isIP(ip) === 0) {
    return refused(`${ip} is not an IP address: the bundled broker looks up no names of hosts.`);
  }
  const keys = ip === undefined ? CLIENT_KEYS : ADDRESS_KEYS;
  const values = new Map(Object.entries(current));
  for (const { key, value, remove } of operations) {
    if (remove) {
      values.delete(key);
      continue;
    }
    const fault = valueFault(key, value, Object.hasOwn(keys, key) ? keys[key] : undefined);
    if (fault !== undefined) return refused(fault);
    values.set(key, value);
  }
  return { kind: "quota", quota: { entity, values: Object.fromEntries(values) } };
}

function valueFault(name: string, value: number, key: QuotaKey | undefined): string | undefined {
  if (!key) return `Invalid configuration key ${name}`;
  if (!(value > 0)) return `Quota ${name} must be greater than 0`;
  // It could not be stored: JSON has no Infinity.
  if (key.type === "double") return Number.isFinite(value) ? undefined : `Quota ${name} must be finite`;
  if (value > MOST[key.type])
    return `Proposed value for ${name} is too large for ${key.type === "int" ? "an INT" : "a LONG"}.`;
  if (Math.abs(value - Math.round(value)) > EPSILON) {
    return `${name} cannot be a fractional value.`;
  }
  return undefined;
}
