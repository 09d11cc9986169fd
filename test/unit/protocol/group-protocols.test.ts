import fc from "fast-check";
import { expect, test } from "vitest";
import {
  CONNECT_PROTOCOLS,
  CONNECTOR_TASK,
  decodeConnectAssignment,
  decodeConnectMetadata,
  encodeConnectAssignment,
  encodeConnectMetadata,
} from "../../../src/protocol/connect-protocol.js";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "../../../src/protocol/consumer-protocol.js";
import { MalformedError } from "../../../src/protocol/malformed-error.js";

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const bytes = fc.uint8Array({ maxLength: 20 }).map((each) => Buffer.from(each));
const partitions = fc.array(fc.record({ topic: text, partitions: fc.array(fc.nat(50), { maxLength: 4 }) }), {
  maxLength: 3,
});
const work = fc.array(
  fc.record({ connector: text, tasks: fc.array(fc.integer({ min: -1, max: 50 }), { maxLength: 4 }) }),
  {
    maxLength: 3,
  },
);

test("a consumer's subscription reads back in every version", () => {
  const subscription = fc.record({
    topics: fc.array(text, { maxLength: 3 }),
    userData: fc.option(bytes),
    ownedPartitions: partitions,
    generationId: fc.nat(100),
    rackId: fc.option(text),
  });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 }), subscription, (version, value) => {
      const expected = {
        version,
        topics: value.topics,
        userData: value.userData,
        ownedPartitions: version >= 1 ? value.ownedPartitions : [],
        generationId: version >= 2 ? value.generationId : -1,
        rackId: version >= 3 ? value.rackId : null,
      };
      expect(decodeSubscription(encodeSubscription(version, value))).toEqual(expected);
    }),
  );
});

test("a subscription newer than any known reads as the newest known", () => {
  const encoded = encodeSubscription(3, { topics: ["a"], ownedPartitions: [], generationId: 7, rackId: "r" });
  encoded.writeInt16BE(9, 0);
  const decoded = decodeSubscription(Buffer.concat([encoded, Buffer.from("more")]));
  expect(decoded).toMatchObject({ version: 9, topics: ["a"], generationId: 7, rackId: "r" });
});

test("a consumer's assignment reads back, and empty bytes assign nothing", () => {
  fc.assert(
    fc.property(partitions, fc.option(bytes), (assignedPartitions, userData) => {
      const value = { assignedPartitions, userData };
      expect(decodeAssignment(encodeAssignment(1, value))).toEqual(value);
    }),
  );
  expect(decodeAssignment(Buffer.alloc(0)).assignedPartitions).toEqual([]);
});

test("a worker's metadata reads back in every version", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 1, 2),
      text,
      fc.nat(2 ** 40),
      fc.option(bytes),
      (version, url, configOffset, allocation) => {
        const encoded = encodeConnectMetadata(version, { url, configOffset, allocation });
        const expected = { version, url, configOffset, allocation: version >= 1 ? allocation : null };
        expect(decodeConnectMetadata(encoded)).toEqual(expected);
      },
    ),
  );
});

test("a worker's assignment reads back in every version", () => {
  const assignment = fc.record({
    error: fc.constantFrom(0, 1),
    leader: text,
    leaderUrl: text,
    configOffset: fc.nat(2 ** 40),
    assigned: work,
    revoked: fc.option(work),
    delayMs: fc.nat(300_000),
  });
  fc.assert(
    fc.property(fc.constantFrom(0, 1, 2), assignment, (version, value) => {
      const expected = { version, ...value, ...(version === 0 && { revoked: null, delayMs: 0 }) };
      expect(decodeConnectAssignment(encodeConnectAssignment(version, value))).toEqual(expected);
    }),
  );
});

test("a worker's assignment equals Connect's byte for byte", () => {
  const encoded = encodeConnectAssignment(CONNECT_PROTOCOLS.sessioned, {
    error: 0,
    leader: "w",
    leaderUrl: "u",
    configOffset: 5,
    assigned: [{ connector: "c", tasks: [CONNECTOR_TASK, 0] }],
    revoked: null,
    delayMs: 300,
  });
  const head = "0002" + "0000" + "000177" + "000175" + "0000000000000005";
  expect(encoded.toString("hex")).toBe(
    [head, "00000001", "000163", "00000002", "ffffffff00000000", "ffffffff", "0000012c"].join(""),
  );
});

test("trailing fields that an older worker left out read as absent", () => {
  const encoded = encodeConnectAssignment(0, {
    error: 1,
    leader: "w",
    leaderUrl: "u",
    configOffset: 5,
    assigned: [{ connector: "c", tasks: [0] }],
  });
  encoded.writeInt16BE(1, 0);
  expect(decodeConnectAssignment(encoded)).toMatchObject({ error: 1, revoked: null, delayMs: 0 });
  const metadata = encodeConnectMetadata(0, { url: "u", configOffset: 1 });
  metadata.writeInt16BE(2, 0);
  expect(decodeConnectMetadata(metadata).allocation).toBeNull();
});

test("noise throws MalformedError and nothing else", () => {
  const decoders = [decodeSubscription, decodeAssignment, decodeConnectMetadata, decodeConnectAssignment];
  fc.assert(
    fc.property(fc.constantFrom(...decoders), fc.uint8Array({ maxLength: 60 }), (decode, noise) => {
      try {
        decode(Buffer.from(noise));
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
      }
    }),
    { numRuns: 500 },
  );
});
