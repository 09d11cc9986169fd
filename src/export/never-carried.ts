import type { KafkaAdmin, TransactionListing } from "../kafka/client/kafka-admin.js";
import { type Finding, isOutage, note, reasonOf } from "./finding.js";

/** What no client can read from a Kafka or write to one: looked for, so that the notes name it. */
export async function neverCarried(from: KafkaAdmin, signal: AbortSignal): Promise<Finding[]> {
  const orReason = async <T>(reading: Promise<T>) => {
    try {
      return await reading;
    } catch (error) {
      if (signal.aborted || isOutage(error)) throw error;
      return reasonOf(error);
    }
  };
  return describeNeverCarried(
    await orReason(from.listScramUsers(signal)),
    await orReason(from.listTransactions(signal)),
  );
}

/** @param users the users of SCRAM, or why they cannot be listed. @param transactions likewise. */
export function describeNeverCarried(
  users: readonly string[] | string,
  transactions: readonly TransactionListing[] | string,
): Finding[] {
  const findings: Finding[] = [];
  const byHand = "add them at the target with kafka-configs.sh --entity-type users";
  const secret = "Kafka tells nobody the passwords of users";
  if (typeof users === "string") findings.push(note("users", `${secret}, and they cannot be listed: ${users}`, byHand));
  else if (users.length > 0) {
    findings.push(note("users", `${secret} (${[...users].sort().join(", ")})`, `${byHand}, with new passwords`));
  }
  const fresh = "nothing: a producer gets a new producer id and epoch when it starts on the target";
  if (typeof transactions === "string") {
    findings.push(
      note("transactional ids", `their state is not carried, nor can they be listed: ${transactions}`, fresh),
    );
  } else if (transactions.length > 0) {
    const ids = transactions.map(({ transactionalId, state }) => `${transactionalId} (${state})`).sort();
    findings.push(note("transactional ids", `their state is not carried: ${ids.join(", ")}`, fresh));
  }
  const text = "client quotas, users of PLAIN, delegation tokens and the configs of brokers and groups are not carried";
  findings.push(note("cluster", text, "set at the target what it needs of these"));
  return findings;
}
