import { expect, test } from "vitest";
import { SimClock } from "../../../../../src/base/clock.js";
import { SeededRandom } from "../../../../../src/base/random.js";
import type { TokenVerdict } from "../../../../../src/broker/security/oauth/json-web-token.js";
import type { ListenerTokens } from "../../../../../src/broker/security/oauth/listener-tokens.js";
import { OAuthBearerServer } from "../../../../../src/broker/security/oauth/oauth-bearer-server.js";
import { SaslExchange } from "../../../../../src/broker/security/sasl-exchange.js";

const bytes = (text: string) => Buffer.from(text.replaceAll("^A", "\u0001"));

function serverOf(verdict: TokenVerdict) {
  const seen: string[] = [];
  const check = (token: string) => {
    seen.push(token);
    return verdict;
  };
  return { seen, server: new OAuthBearerServer(check) };
}

const ANN: TokenVerdict = { kind: "valid", user: "ann", expiresMs: 5000 };

test.each([
  "n,,^Aauth=Bearer a.b-c_d^A^A",
  "n,a=ann,^Aauth=bearer a.b-c_d^Atrace=x^A^A",
  "y,,^Aauth=BEARER  a.b-c_d^A^A",
])("takes the token of %s", (message) => {
  const { seen, server } = serverOf(ANN);
  expect(server.respond(bytes(message))).toEqual({
    ...{ kind: "authenticated", token: Buffer.alloc(0), user: "ann", expiresMs: 5000 },
  });
  expect(seen).toEqual(["a.b-c_d"]);
});

test.each([
  "",
  "n,,",
  "n,,^Aauth=Bearer a^A",
  "n,,^A^A",
  "p=x,,^Aauth=Bearer a^A^A",
  "n,,^Aauth=Basic a^A^A",
  "n,,^Aauth=Bearer a b^A^A",
])("refuses %j", (message) => {
  const { seen, server } = serverOf(ANN);
  expect(server.respond(bytes(message)).kind).toBe("refused");
  expect(seen).toEqual([]);
});

test("a refused token is answered with its status, and after the client's byte with the reason", () => {
  const { server } = serverOf({ kind: "invalid", reason: "it has expired" });
  const reason = "Authentication failed: the token is refused: it has expired";
  expect(server.respond(bytes("n,,^Aauth=Bearer a^A^A"))).toEqual({
    kind: "challenge",
    token: Buffer.from('{"status":"invalid_token"}'),
    refusal: reason,
  });
  expect(server.respond(bytes("^A"))).toEqual({ kind: "refused", reason, wasChallenged: true });
  // Not even with a good token.
  expect(server.respond(bytes("n,,^Aauth=Bearer a^A^A")).kind).toBe("refused");
});

test("a client may not be another user than that of its token", () => {
  const { server } = serverOf(ANN);
  expect(server.respond(bytes("n,a=root,^Aauth=Bearer a^A^A")).kind).toBe("refused");
});

test.each([
  [0, 5000],
  [3000, 3000],
  [9000, 5000],
])("a session ends with its token, or after connections.max.reauth.ms=%i", async (reauthMs, sessionMs) => {
  const clock = new SimClock(0);
  const tokens = { check: () => ANN } as unknown as ListenerTokens;
  const exchange = new SaslExchange(
    { mechanisms: ["OAUTHBEARER"], passwords: new Map(), tokens, sessionMs: () => reauthMs },
    { users: { secret: Buffer.alloc(1), credential: () => undefined }, clock, random: new SeededRandom(1) },
  );
  exchange.choose("OAUTHBEARER", false);
  expect(exchange.take(bytes("n,,^Aauth=Bearer a^A^A"))).toMatchObject({ kind: "reply", sessionMs });
  await clock.advance(sessionMs);
  expect(exchange.user).toBe("ann");
  await clock.advance(1);
  expect(exchange.user).toBeUndefined();
  // Expired while it was checked: not a session without end.
  exchange.choose("OAUTHBEARER", false);
  await clock.advance(10_000);
  expect(exchange.take(bytes("n,,^Aauth=Bearer a^A^A"))).toMatchObject({ kind: "reply", sessionMs: 1 });
});

test.each([
  [0, 1e20],
  [0, Number.POSITIVE_INFINITY],
  [2 ** 63, 1e20],
])(
  "with connections.max.reauth.ms=%d and a token until %d ms a session is one that clients can count",
  (reauthMs, expiresMs) => {
    const tokens = { check: () => ({ ...ANN, expiresMs }) } as unknown as ListenerTokens;
    const exchange = new SaslExchange(
      { mechanisms: ["OAUTHBEARER"], passwords: new Map(), tokens, sessionMs: () => reauthMs },
      {
        users: { secret: Buffer.alloc(1), credential: () => undefined },
        clock: new SimClock(0),
        random: new SeededRandom(1),
      },
    );
    exchange.choose("OAUTHBEARER", false);
    const outcome = exchange.take(bytes("n,,^Aauth=Bearer a^A^A"));
    expect(outcome).toMatchObject({ kind: "reply", sessionMs: 100 * 365 * 24 * 3600 * 1000 });
  },
);
