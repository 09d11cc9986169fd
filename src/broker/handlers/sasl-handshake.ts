import { saslHandshake as api } from "../../protocol/apis/sasl-handshake.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler, LastAnswer } from "../handler.js";

/**
 * SaslHandshake (key 17), v0-v1.
 * Begins an authentication, or a new one of a client that is authenticated. After v0 the tokens are sent bare.
 */
export const saslHandshake = defineHandler(api, {
  versions: [0, 1],
  authorize: "anybody",
  handle({ mechanism }, { session: { sasl }, apiVersion }) {
    if (!sasl) return { errorCode: ErrorCodes.ILLEGAL_SASL_STATE, mechanisms: [] };
    const { mechanisms } = sasl;
    switch (sasl.choose(mechanism, apiVersion === 0)) {
      case "chosen":
        return { errorCode: ErrorCodes.NONE, mechanisms };
      case "unsupported":
        return new LastAnswer({ errorCode: ErrorCodes.UNSUPPORTED_SASL_MECHANISM, mechanisms });
      case "another than before":
        return new LastAnswer({ errorCode: ErrorCodes.ILLEGAL_SASL_STATE, mechanisms });
    }
  },
  refuse: (_, errorCode) => ({ errorCode, mechanisms: [] }),
});
