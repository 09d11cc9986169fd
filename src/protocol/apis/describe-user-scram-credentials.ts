import { defineApi } from "../api.js";
import { i8, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * DescribeUserScramCredentials (key 50), v0.
 * Lists the users that may log in with SCRAM, without their credentials.
 */
export const describeUserScramCredentials = defineApi({
  key: 50,
  name: "DescribeUserScramCredentials",
  versions: [0, 0],
  flexibleFrom: 0,
  request: { users: structs({ name: str }).nullable() },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: message.nullable().or(null),
    results: structs({
      user: str,
      errorCode: i16,
      errorMessage: message.nullable().or(null),
      credentialInfos: structs({ mechanism: i8, iterations: i32 }),
    }),
  },
});
