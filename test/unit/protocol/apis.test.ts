import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCorrelationId, readRequestHeader } from "../../../src/protocol/api.js";
import { apiVersions } from "../../../src/protocol/apis/api-versions.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { heartbeat } from "../../../src/protocol/apis/heartbeat.js";
import { joinGroup } from "../../../src/protocol/apis/join-group.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { ByteReader } from "../../../src/protocol/byte-reader.js";
import { MalformedError } from "../../../src/protocol/malformed-error.js";
import { arbitraryMessage } from "./arbitrary-message.js";
import { APIS } from "./every-api.js";

const VERSIONS = APIS.flatMap((api) =>
  Array.from({ length: api.versions[1] - api.versions[0] + 1 }, (_, index) => ({
    api,
    version: api.versions[0] + index,
    name: `${api.name} v${api.versions[0] + index}`,
  })),
);

/** The frame without its size, after a check of the size. */
function unframed(chunks: readonly Buffer[]): Buffer {
  const frame = Buffer.concat(chunks);
  expect(frame.readInt32BE(0)).toBe(frame.length - 4);
  return frame.subarray(4);
}

describe("every API in every version", () => {
  test.each(VERSIONS)("$name: a request decodes to the encoded values", ({ api, version }) => {
    fc.assert(
      fc.property(arbitraryMessage(api.requestFields, version), fc.option(fc.string()), (request, clientId) => {
        const reader = new ByteReader(unframed(api.encodeRequest(version, 77, clientId, request)));
        const header = readRequestHeader(reader);
        expect(header).toEqual({ apiKey: api.key, apiVersion: version, correlationId: 77, clientId: clientId ?? "" });
        expect(api.decodeRequest(version, reader)).toEqual(request);
        expect(reader.remaining).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  test.each(VERSIONS)("$name: a response decodes to the encoded values", ({ api, version }) => {
    fc.assert(
      fc.property(arbitraryMessage(api.responseFields, version), (response) => {
        const { correlationId, reader } = readCorrelationId(unframed(api.encodeResponse(version, -5, response)));
        expect(correlationId).toBe(-5);
        expect(api.decodeResponse(version, reader)).toEqual(response);
        expect(reader.remaining).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  test.each(VERSIONS)("$name: a damaged or cut frame throws MalformedError and nothing else", ({ api, version }) => {
    const mangled = fc.tuple(
      arbitraryMessage(api.requestFields, version).map((each) => Buffer.concat(api.encodeRequestTail(version, each))),
      fc.nat(),
      fc.uint8Array({ maxLength: 6 }),
    );
    const attempt = (bytes: Buffer) => {
      for (const decode of [api.decodeRequest, api.decodeResponse]) {
        try {
          decode(version, new ByteReader(bytes));
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
        }
      }
    };
    fc.assert(
      fc.property(mangled, ([frame, position, noise]) => {
        const at = frame.length === 0 ? 0 : position % frame.length;
        attempt(frame.subarray(0, at));
        attempt(Buffer.concat([frame.subarray(0, at), noise, frame.subarray(at + noise.length)]));
        attempt(Buffer.from(noise));
      }),
      { numRuns: 25 },
    );
  });
});

describe("frames as other implementations write them", () => {
  test("a flexible request header keeps the 16-bit length of its client id", () => {
    const frame = Buffer.concat(heartbeat.encodeRequest(4, 1, "me", { groupId: "g", generationId: 2, memberId: "m" }));
    // size, key 12, version 4, correlation 1, "me", no tags; "g", 2, "m", null instance, no tags
    expect(frame.toString("hex")).toBe(
      "00000017000c00040000000100026d6500" + "0267" + "00000002" + "026d" + "00" + "00",
    );
  });

  test("an ApiVersions response keeps the oldest header in flexible versions", () => {
    const frame = Buffer.concat(
      apiVersions.encodeResponse(3, 9, { errorCode: 0, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] }),
    );
    expect(frame.toString("hex")).toBe(
      "00000013" + "00000009" + "0000" + "02" + "001200000004" + "00" + "00000000" + "00",
    );
  });

  test("null is written as empty in a version without null", () => {
    const response = { errorCode: 0, protocolName: null, leader: "", memberId: "", members: [] };
    const { reader } = readCorrelationId(unframed(joinGroup.encodeResponse(5, 1, response)));
    expect(joinGroup.decodeResponse(5, reader).protocolName).toBe("");
  });

  test("unknown tagged fields are skipped", () => {
    const bytes = Buffer.from("00" + "0267" + "00000002" + "026d" + "00" + "01" + "63" + "03" + "aabbcc", "hex");
    expect(heartbeat.decodeRequest(4, new ByteReader(bytes)).memberId).toBe("m");
  });

  test("an impossible count is refused before anything is allocated for it", () => {
    const bytes = Buffer.concat([Buffer.from("000000007fffffff", "hex")]);
    expect(() => metadata.decodeRequest(4, new ByteReader(Buffer.from("7fffffff00", "hex")))).toThrow(MalformedError);
    expect(() => fetch.decodeResponse(4, new ByteReader(bytes))).toThrow(MalformedError);
  });

  test("records are copied neither when encoded nor when decoded", () => {
    const records = Buffer.alloc(5000, 7);
    const chunks = produce.encodeRequest(7, 1, null, {
      acks: -1,
      timeoutMs: 1,
      topicData: [{ name: "t", partitionData: [{ index: 0, records: [records, records] }] }],
    });
    expect(chunks.filter((chunk) => chunk === records)).toHaveLength(2);
    const reader = new ByteReader(unframed(chunks));
    readRequestHeader(reader);
    const decoded = produce.decodeRequest(7, reader).topicData[0]?.partitionData[0]?.records;
    expect(decoded?.length).toBe(10_000);
    expect(decoded?.buffer).toBe(reader.buffer.buffer);
  });
});
