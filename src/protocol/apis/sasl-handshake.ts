import { defineApi } from "../api.js";
import { array, i16, str } from "../message-fields.js";

/**
 * SaslHandshake (key 17), v0-v1.
 * Chooses the SASL mechanism. v0: the tokens follow without requests around them; v1: in SaslAuthenticate requests.
 */
export const saslHandshake = defineApi({
  key: 17,
  name: "SaslHandshake",
  versions: [0, 1],
  request: { mechanism: str },
  response: { errorCode: i16, mechanisms: array(str) },
});
