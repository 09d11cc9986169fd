import { defineApi } from "../api.js";
import { bytes, i8, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * AlterUserScramCredentials (key 51), v0.
 * Sets and removes passwords for SCRAM: the client sends the salted password, never the password itself.
 */
export const alterUserScramCredentials = defineApi({
  key: 51,
  name: "AlterUserScramCredentials",
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    deletions: structs({ name: str, mechanism: i8 }),
    upsertions: structs({ name: str, mechanism: i8, iterations: i32, salt: bytes, saltedPassword: bytes }),
  },
  response: {
    throttleTimeMs: i32,
    results: structs({ user: str, errorCode: i16, errorMessage: message.nullable().or(null) }),
  },
});
