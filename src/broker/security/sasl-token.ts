import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { BrokerProperties } from "../broker-properties.js";
import type { SaslOutcome } from "./sasl-exchange.js";
import type { Session } from "./session.js";

interface Surroundings {
  readonly properties: BrokerProperties;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Passes a client's token to its SASL exchange. A refusal takes a while (connection.failed.authentication.delay.ms), so
 * that passwords cannot be tried quickly; other clients do not wait for it.
 */
export function takeSaslToken(
  token: Buffer,
  { sasl, listener }: Session,
  clientHost: string,
  { properties, clock, logger }: Surroundings,
): SaslOutcome | Promise<SaslOutcome> {
  const outcome: SaslOutcome = sasl?.take(token) ?? { kind: "out of turn" };
  const reason = refusalOf(outcome);
  if (reason === undefined) return outcome;
  logger.info("A client failed to authenticate", { listener, client: clientHost, reason });
  return clock.delay(properties.number("connection.failed.authentication.delay.ms")).then(() => outcome);
}

/** Why the client has failed with this token; undefined: it has not, or had before. */
function refusalOf(outcome: SaslOutcome): string | undefined {
  if (outcome.kind === "reply") return outcome.refusal;
  return outcome.kind === "refused" && !outcome.wasChallenged ? outcome.reason : undefined;
}
