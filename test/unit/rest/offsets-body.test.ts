import { describe, expect, test } from "vitest";
import { parseOffsetsBody } from "../../../src/rest/offsets-body.js";

describe("the body of an offsets request", () => {
  test("may hold nulls, absent members and integers of 64 bits", () => {
    const body = '{"offsets":[{"partition":{"a":9223372036854775807},"offset":null},{}]}';
    expect(parseOffsetsBody(Buffer.from(body))).toEqual([
      { partition: { a: 9223372036854775807n }, offset: null },
      { partition: null, offset: null },
    ]);
  });

  const NEEDED = "Partitions / offsets need to be provided for an alter offsets request";
  test.each([
    ["", "The request has no body: send JSON"],
    ["{", "The request body is not JSON: it ends too early"],
    ["null", NEEDED],
    ["{}", NEEDED],
    ['{"offsets":null}', NEEDED],
    ['{"offsets":[]}', NEEDED],
    ["[]", "Cannot deserialize value of the request body: expected an object"],
    ["123", "Cannot construct instance of the request body from a single value: expected an object"],
    ['{"offsets":[],"x":1}', 'Unrecognized field "x" in the request body: known fields are offsets'],
    ['{"offsets":{}}', "Cannot deserialize value of offsets: expected a list"],
    ['{"offsets":[123]}', "Cannot construct instance of offsets.0 from a single value: expected an object"],
    ['{"offsets":[null]}', "Cannot deserialize value of offsets.0: expected an object"],
    ['{"offsets":[{"x":1}]}', 'Unrecognized field "x" in offsets.0: known fields are partition, offset'],
    [
      '{"offsets":[{"partition":"x"}]}',
      "Cannot construct instance of offsets.0.partition from a single value: expected an object",
    ],
    ['{"offsets":[{"partition":{},"offset":[]}]}', "Cannot deserialize value of offsets.0.offset: expected an object"],
  ])("%s is refused", (body, message) => {
    expect(() => parseOffsetsBody(Buffer.from(body))).toThrow(expect.objectContaining({ status: 400, message }));
  });
});
