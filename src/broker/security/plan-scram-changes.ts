import type { ErrorName } from "../../protocol/error-codes.js";
import type { MetadataChange, StoredCredential } from "../metadata/broker-metadata.js";
import { keyBytes, MAX_ITERATIONS, MIN_ITERATIONS, type ScramMechanism, scramCredential } from "./scram.js";

/** Kafka's numbers of the mechanisms (ScramMechanism). */
export const MECHANISM_CODES: Readonly<Record<ScramMechanism, number>> = { "SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2 };

interface Deletion {
  readonly name: string;
  readonly mechanism: number;
}

interface Upsertion extends Deletion {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly saltedPassword: Buffer;
}

type Change = Extract<MetadataChange, { kind: "scram-user" }>;

/** The changes of one user's credentials, made together or not at all. */
export type ScramPlan =
  | { readonly user: string; readonly kind: "change"; readonly changes: readonly Change[] }
  | { readonly user: string; readonly kind: "refused"; readonly error: ErrorName; readonly message: string };

/** Plans the changes of an AlterUserScramCredentials request, by the rules of Kafka. @param users the present ones. */
export function planScramChanges(
  deletions: readonly Deletion[],
  upsertions: readonly Upsertion[],
  users: ReadonlyMap<string, Readonly<Record<string, StoredCredential>>>,
): ScramPlan[] {
  const byUser = new Map<string, { readonly deleted: Deletion[]; readonly set: Upsertion[] }>();
  const askedOf = (name: string) => {
    const known = byUser.get(name) ?? { deleted: [], set: [] };
    byUser.set(name, known);
    return known;
  };
  for (const deletion of deletions) askedOf(deletion.name).deleted.push(deletion);
  for (const upsertion of upsertions) askedOf(upsertion.name).set.push(upsertion);
  return [...byUser].map(([user, { deleted, set }]): ScramPlan => {
    const refused = (error: ErrorName, message: string): ScramPlan => ({ user, kind: "refused", error, message });
    const asked = [...deleted, ...set].map(({ mechanism }) => mechanism);
    if (new Set(asked).size < asked.length) {
      return refused("DUPLICATE_RESOURCE", "A user credential cannot be altered twice in the same request");
    }
    if (user === "") return refused("UNACCEPTABLE_CREDENTIAL", "Username must not be empty");
    if (!asked.every((code) => mechanismOf(code))) {
      return refused("UNSUPPORTED_SASL_MECHANISM", "Unknown SCRAM mechanism");
    }
    if (deleted.some(({ mechanism }) => !users.get(user)?.[mechanismOf(mechanism)!])) {
      return refused("RESOURCE_NOT_FOUND", "Attempt to delete a user credential that does not exist");
    }
    for (const upsertion of set) {
      const fault = faultOf(upsertion);
      if (fault !== undefined) return refused("UNACCEPTABLE_CREDENTIAL", fault);
    }
    const removals = deleted.map(({ mechanism }): Change => {
      return { kind: "scram-user", user, mechanism: mechanismOf(mechanism)!, credential: null };
    });
    const settings = set.map(({ mechanism: code, saltedPassword, salt, iterations }): Change => {
      const mechanism = mechanismOf(code)!;
      const credential = scramCredential(mechanism, saltedPassword, salt, iterations);
      return { kind: "scram-user", user, mechanism, credential };
    });
    return { user, kind: "change", changes: [...removals, ...settings] };
  });
}

function faultOf({ mechanism, iterations, salt, saltedPassword }: Upsertion): string | undefined {
  if (iterations < MIN_ITERATIONS) return "Too few iterations";
  if (iterations > MAX_ITERATIONS) return "Too many iterations";
  if (salt.length === 0) return "Salt must not be empty";
  return saltedPassword.length === keyBytes(mechanismOf(mechanism)!)
    ? undefined
    : "The salted password has the wrong length for the mechanism";
}

function mechanismOf(code: number): ScramMechanism | undefined {
  const found = Object.entries(MECHANISM_CODES).find(([, each]) => each === code);
  return found?.[0] as ScramMechanism | undefined;
}
