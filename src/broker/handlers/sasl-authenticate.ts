import { saslAuthenticate as api } from "../../protocol/apis/sasl-authenticate.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler, LastAnswer } from "../handler.js";
import type { SaslOutcome } from "../security/sasl-exchange.js";
import { takeSaslToken } from "../security/sasl-token.js";

const NO_BYTES = Buffer.alloc(0);

/**
 * SaslAuthenticate (key 36), v0-v2.
 * One token of an authentication. After a refusal the connection is closed. v1: the time after which the client must
 * authenticate again (connections.max.reauth.ms); v2: flexible.
 */
export const saslAuthenticate = defineHandler(api, {
  versions: [0, 2],
  authorize: "anybody",
  handle({ authBytes }, { session, clientHost, broker }) {
    const outcome = takeSaslToken(authBytes, session, clientHost, broker);
    return outcome instanceof Promise ? outcome.then(answerOf) : answerOf(outcome);
  },
  refuse: (_, errorCode) => refused(errorCode, null),
});

function answerOf(outcome: SaslOutcome) {
  switch (outcome.kind) {
    case "reply":
      return { errorCode: ErrorCodes.NONE, authBytes: outcome.token, sessionLifetimeMs: outcome.sessionMs };
    case "refused":
      return new LastAnswer(refused(ErrorCodes.SASL_AUTHENTICATION_FAILED, outcome.reason));
    case "out of turn":
      return new LastAnswer(
        refused(ErrorCodes.ILLEGAL_SASL_STATE, "SaslAuthenticate request received before a mechanism was chosen"),
      );
  }
}

function refused(errorCode: number, errorMessage: string | null) {
  return { errorCode, errorMessage, authBytes: NO_BYTES };
}
