import type { AclEntry, KafkaAdmin } from "../kafka/client/kafka-admin.js";
import { KafkaError } from "../protocol/kafka-error.js";
import { type Finding, incomplete, isOutage, reasonOf } from "./finding.js";

const SUBJECT = "ACLs";

const RESOURCE_TYPES = ["", "", "TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER"];
const OPERATIONS = [
  ..."UNKNOWN ANY ALL READ WRITE CREATE DELETE ALTER DESCRIBE CLUSTER_ACTION DESCRIBE_CONFIGS".split(" "),
  ..."ALTER_CONFIGS IDEMPOTENT_WRITE CREATE_TOKENS DESCRIBE_TOKENS TWO_PHASE_COMMIT".split(" "),
];
const DENY = 2;
const PREFIXED = 4;

/** An ACL in Kafka's words: `ALLOW User:ann WRITE on TOPIC orders from *`. */
export function aclText(acl: AclEntry): string {
  const permission = acl.permissionType === DENY ? "DENY" : "ALLOW";
  const operation = OPERATIONS[acl.operation] ?? `operation ${acl.operation}`;
  const type = RESOURCE_TYPES[acl.resourceType] || `resource type ${acl.resourceType}`;
  const kind = acl.patternType === PREFIXED ? " (prefix)" : "";
  return `${permission} ${acl.principal} ${operation} on ${type} ${acl.resourceName}${kind} from ${acl.host}`;
}

/** Adds the source's ACLs to the target's. Returns how many are there now. */
export async function exportAcls(
  from: KafkaAdmin,
  to: KafkaAdmin,
  signal: AbortSignal,
): Promise<{ readonly carried: number; readonly findings: Finding[] }> {
  const byHand = "add them at the target with kafka-acls.sh";
  let acls: AclEntry[];
  try {
    acls = await from.describeAcls(signal);
  } catch (error) {
    if (KafkaError.is(error, "SECURITY_DISABLED")) return { carried: 0, findings: [] };
    if (signal.aborted || isOutage(error)) throw error;
    const remedy = `let the export's user DESCRIBE the cluster at the source, or ${byHand}`;
    return { carried: 0, findings: [incomplete(SUBJECT, `they cannot be read: ${reasonOf(error)}`, remedy)] };
  }
  let results: (KafkaError | undefined)[];
  try {
    results = await to.createAcls(acls, signal);
  } catch (error) {
    if (signal.aborted || isOutage(error)) throw error;
    results = acls.map(() => error as KafkaError);
  }
  return judgeAcls(acls, results);
}

/** @param results why each ACL was refused; undefined: it is there. */
export function judgeAcls(
  acls: readonly AclEntry[],
  results: readonly (KafkaError | undefined)[],
): { readonly carried: number; readonly findings: Finding[] } {
  if (acls.length > 0 && results.every((error) => KafkaError.is(error, "SECURITY_DISABLED"))) {
    const text = `none of the ${acls.length} is at the target, which has no authorizer: everybody may do everything there`;
    const remedy =
      "set authorizer.class.name at the target and export again, with --topics of one that is left to copy";
    return { carried: 0, findings: [incomplete(SUBJECT, text, remedy)] };
  }
  const findings = acls.flatMap((acl, at) => {
    const error = results[at];
    if (!error) return [];
    const remedy = "add it at the target with kafka-acls.sh";
    return [incomplete(SUBJECT, `${aclText(acl)} was refused: ${reasonOf(error)}`, remedy)];
  });
  return { carried: acls.length - findings.length, findings };
}
