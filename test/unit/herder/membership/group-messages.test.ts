import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { SeededRandom } from "../../../../src/base/random.js";
import {
  isIncremental,
  isSessioned,
  offeredProtocols,
  readMetadata,
  readPlace,
  writePlace,
} from "../../../../src/herder/membership/group-messages.js";
import { isDue, isSignedWith, newSessionKey, signBody } from "../../../../src/herder/membership/session-keys.js";
import { NO_WORK, workOf } from "../../../../src/herder/work.js";

const held = workOf(
  ["c"],
  [
    { connector: "c", task: 1 },
    { connector: "d-e", task: 0 },
  ],
);
const metadata = { url: "http://w:8083/", configOffset: 2 ** 40, held };

describe("the messages between members", () => {
  test("is offered under the names of the protocol and all older ones", () => {
    const names = (protocol: "eager" | "compatible" | "sessioned") =>
      offeredProtocols(protocol, metadata).map(({ name }) => name);
    expect(names("eager")).toEqual(["default"]);
    expect(names("compatible")).toEqual(["compatible", "default"]);
    expect(names("sessioned")).toEqual(["sessioned", "compatible", "default"]);
    expect(["default", "compatible", "sessioned"].map(isIncremental)).toEqual([false, true, true]);
    expect(["default", "compatible", "sessioned"].map(isSessioned)).toEqual([false, false, true]);
  });

  test("contains the running work, under all protocols but the eager one", () => {
    const [sessioned, compatible, eager] = offeredProtocols("sessioned", metadata);
    for (const offer of [sessioned, compatible]) expect(readMetadata(offer!.metadata)).toEqual(metadata);
    expect(readMetadata(eager!.metadata)).toEqual({ ...metadata, held: NO_WORK });
    const idle = offeredProtocols("sessioned", { ...metadata, held: NO_WORK })[0]!;
    expect(readMetadata(idle.metadata).held).toEqual(NO_WORK);
  });

  test.each(["default", "compatible", "sessioned"])("a place of protocol %s reads back", (protocol) => {
    const place = {
      error: 1,
      leaderId: "id",
      leaderUrl: "http://l:8083/",
      configOffset: 17,
      assigned: held,
      revoked: workOf(["gone"], []),
      delayMs: 3000,
    };
    const read = readPlace(writePlace(protocol, place));
    if (protocol === "default") expect(read).toEqual({ ...place, version: 0, revoked: NO_WORK, delayMs: 0 });
    else expect(read).toMatchObject(place);
  });
});

describe("session keys", () => {
  const clock = new SimClock(1_000);
  const random = new SeededRandom(1);
  const key = newSessionKey({ algorithm: "HmacSHA256" }, clock, random);
  const body = Buffer.from("[]");

  test("sign bodies", () => {
    const signed = signBody(key, "HmacSHA256", body);
    expect(isSignedWith(key, signed, body)).toBe(true);
    expect(isSignedWith(key, signed, Buffer.from("[1]"))).toBe(false);
    expect(isSignedWith(newSessionKey({ algorithm: "HmacSHA256" }, clock, random), signed, body)).toBe(false);
    expect(isSignedWith(key, { ...signed, signature: Buffer.from("short") }, body)).toBe(false);
  });

  test("sign as any HMAC-SHA256 does (RFC 4231, case 2)", () => {
    const known = { key: Buffer.from("Jefe"), algorithm: "HmacSHA256", createdMs: 0 };
    expect(signBody(known, "HmacSHA256", Buffer.from("what do ya want for nothing?")).signature.toString("hex")).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });

  test("have the requested size, and can sign by another algorithm than their own", () => {
    const long = newSessionKey({ algorithm: "HmacSHA256", bytes: 64 }, clock, random);
    expect(long.key.length).toBe(64);
    expect(isDue(long, { algorithm: "HmacSHA256", bytes: 64 }, 0, 0)).toBe(false);
    expect(isDue(long, { algorithm: "HmacSHA256" }, 0, 0)).toBe(true);
    const signed = signBody(long, "HmacSHA512", body);
    expect([signed.algorithm, signed.signature.length, isSignedWith(long, signed, body)]).toEqual([
      "HmacSHA512",
      64,
      true,
    ]);
  });

  test.each([
    ["there is none", undefined, 0, true],
    ["it is young", key, 3_600_000, false],
    ["it is old", key, 1_000, true],
    ["keys do not age", key, 0, false],
    ["it is of another algorithm", { ...key, algorithm: "HmacSHA1" }, 0, true],
    ["it is too short", { ...key, key: Buffer.alloc(16) }, 0, true],
  ])("are replaced when %s", (_when, current, ttlMs, due) => {
    expect(isDue(current, { algorithm: "HmacSHA256" }, ttlMs, 2_500)).toBe(due);
  });
});
