import { defineApi } from "../api.js";
import { bytes, i16, i64, message } from "../message-fields.js";

/**
 * SaslAuthenticate (key 36), v0-v2.
 * Carries one token of the SASL mechanism, and the broker's reply. v1: the lifetime of the session (KIP-368); v2:
 * flexible.
 */
export const saslAuthenticate = defineApi({
  key: 36,
  name: "SaslAuthenticate",
  versions: [0, 2],
  flexibleFrom: 2,
  request: { authBytes: bytes },
  response: {
    errorCode: i16,
    errorMessage: message.nullable().or(null),
    authBytes: bytes,
    sessionLifetimeMs: i64.from(1).or(0),
  },
});
