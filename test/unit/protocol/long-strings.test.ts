import { describe, expect, test } from "vitest";
import { readCorrelationId, readRequestHeader } from "../../../src/protocol/api.js";
import { describeConfigs } from "../../../src/protocol/apis/describe-configs.js";
import { heartbeat } from "../../../src/protocol/apis/heartbeat.js";
import { ByteReader } from "../../../src/protocol/byte-reader.js";
import { ByteWriter } from "../../../src/protocol/byte-writer.js";
import { MalformedError } from "../../../src/protocol/malformed-error.js";
import { messageType, type WireType } from "../../../src/protocol/wire-types.js";
import { APIS } from "./every-api.js";

const FLEXIBLE = 4;

/** A Heartbeat of version 4, with these bytes as group id, whose length is compact. */
function heartbeatOf(groupId: Buffer): ByteReader {
  const writer = new ByteWriter();
  writer.uvarint(0);
  writer.uvarint(groupId.length + 1);
  writer.bytes(groupId);
  writer.i32(1);
  writer.bytes(Buffer.from("026d0000", "hex"));
  return new ByteReader(Buffer.concat(writer.finish()));
}

describe("a string", () => {
  test("of 32,767 bytes is read; one byte more is refused, although a compact length could hold it", () => {
    const longest = Buffer.alloc(32_767, "g");
    expect(heartbeat.decodeRequest(FLEXIBLE, heartbeatOf(longest)).groupId).toBe(longest.toString());
    const reader = heartbeatOf(Buffer.alloc(32_768, "g"));
    expect(() => heartbeat.decodeRequest(FLEXIBLE, reader)).toThrow(MalformedError);
  });

  test("that would exceed 32,767 bytes when written again is refused", () => {
    const invalid = (length: number) => heartbeatOf(Buffer.alloc(length, 0xff));
    expect(heartbeat.decodeRequest(FLEXIBLE, invalid(10_922)).groupId).toHaveLength(10_922);
    expect(() => heartbeat.decodeRequest(FLEXIBLE, invalid(10_923))).toThrow(MalformedError);
    const header = Buffer.alloc(10 + 20_000, 0xff);
    header.writeInt16BE(20_000, 8);
    expect(() => readRequestHeader(new ByteReader(header))).toThrow(MalformedError);
  });

  test("that is too long to be read is not written either", () => {
    const request = { groupId: "g".repeat(32_768), generationId: 1, memberId: "m" };
    expect(() => heartbeat.encodeRequest(FLEXIBLE, 1, null, request)).toThrow(MalformedError);
    expect(() => heartbeat.encodeRequest(0, 1, null, request)).toThrow(MalformedError);
  });
});

test.each([1, 4])("an error message that is too long to be written is truncated at a character (v%i)", (version) => {
  const failed = { errorCode: 40, resourceType: 2, resourceName: "t", configs: [] };
  for (const prefix of ["", "x", "xx"]) {
    const results = [{ ...failed, errorMessage: prefix + "€".repeat(20_000) }];
    const frame = Buffer.concat(describeConfigs.encodeResponse(version, 1, { throttleTimeMs: 0, results })).subarray(4);
    const answer = describeConfigs.decodeResponse(version, readCorrelationId(frame).reader);
    const message = answer.results[0]!.errorMessage!;
    expect(Buffer.byteLength(message)).toBeGreaterThan(32_760);
    expect(message).toMatch(/^x*€+…$/);
  }
});

/** The fields named `…Message` in these and in the structs and arrays below them. */
function messageFields(
  fields: Readonly<Record<string, { readonly type: WireType<unknown, unknown> }>>,
): WireType<unknown, unknown>[] {
  const below = ({ kind }: WireType<unknown, unknown>): WireType<unknown, unknown>[] => {
    if (typeof kind === "string") return [];
    return "fields" in kind ? messageFields(kind.fields) : below(kind.element);
  };
  return Object.entries(fields).flatMap(([name, { type }]) => (/Message$/.test(name) ? [type] : below(type)));
}

test.each(APIS)("$name: every error message of an answer is truncated if it is too long", ({ responseFields }) => {
  for (const { compile } of messageFields(responseFields)) expect(compile).toBe(messageType.compile);
});
