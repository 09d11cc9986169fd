import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import type { ListenerTokens } from "../../../../src/broker/security/oauth/listener-tokens.js";
import { SaslExchange } from "../../../../src/broker/security/sasl-exchange.js";
import { takeSaslToken } from "../../../../src/broker/security/sasl-token.js";
import { Session } from "../../../../src/broker/security/session.js";

function rig() {
  const clock = new SimClock(0);
  const reasons: unknown[] = [];
  const logger = { ...silentLogger, info: (_: string, fields?: object) => reasons.push((fields as never)["reason"]) };
  const tokens = { check: () => ({ kind: "invalid", reason: "it has expired" }) } as unknown as ListenerTokens;
  const sasl = new SaslExchange(
    { mechanisms: ["PLAIN", "OAUTHBEARER"], passwords: new Map([["ann", "a"]]), tokens, sessionMs: () => 0 },
    { users: { secret: Buffer.alloc(1), credential: () => undefined }, clock, random: new SeededRandom(1) },
  );
  const session = new Session("X", "SASL_SSL", { sasl });
  const properties = new BrokerProperties({ "connection.failed.authentication.delay.ms": "100" });
  const take = (text: string) => takeSaslToken(Buffer.from(text), session, "/host", { properties, clock, logger });
  return { clock, sasl, reasons, take };
}

/** The outcome of an answer that must take 100 ms. */
async function late(clock: SimClock, outcome: ReturnType<typeof takeSaslToken>) {
  let isThere = false;
  const waiting = Promise.resolve(outcome).finally(() => {
    isThere = true;
  });
  await clock.advance(99);
  expect(isThere).toBe(false);
  await clock.advance(1);
  return await waiting;
}

test("a wrong password is logged, and refused late", async () => {
  const { clock, sasl, reasons, take } = rig();
  sasl.choose("PLAIN", false);
  const reason = "Authentication failed: Invalid username or password";
  expect(await late(clock, take("\0ann\0x"))).toEqual({ kind: "refused", reason });
  expect(reasons).toEqual([reason]);
});

test("a refused token is logged at once and answered late, though the client never asks why, or begins anew", async () => {
  const { clock, sasl, reasons, take } = rig();
  const reason = "Authentication failed: the token is refused: it has expired";
  for (let time = 1; time <= 2; time++) {
    sasl.choose("OAUTHBEARER", false);
    const outcome = take("n,,\u0001auth=Bearer a\u0001\u0001");
    expect(reasons).toEqual(Array.from({ length: time }, () => reason));
    expect(await late(clock, outcome)).toMatchObject({ kind: "reply" });
  }
  // It has waited already.
  expect(take("\u0001")).toMatchObject({ kind: "refused", reason });
  expect(reasons.length).toBe(2);
});
