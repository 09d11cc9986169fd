import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { PlainServer } from "../../../../src/broker/security/plain-server.js";
import { type ListenerSasl, SaslExchange } from "../../../../src/broker/security/sasl-exchange.js";
import {
  isProof,
  type ScramCredential,
  type ScramMechanism,
  saltedPassword,
  scramCredential,
} from "../../../../src/broker/security/scram.js";
import { ScramServer, type ScramUsers } from "../../../../src/broker/security/scram-server.js";
import { parseScramUser } from "../../../../src/broker/security/scram-user.js";

const bytes = (text: string) => Buffer.from(text);
const SALT = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");

async function usersOf(mechanism: ScramMechanism, passwords: Record<string, string>): Promise<ScramUsers> {
  const known = new Map<string, ScramCredential>();
  for (const [user, password] of Object.entries(passwords)) {
    known.set(user, scramCredential(mechanism, await saltedPassword(mechanism, password, SALT, 4096), SALT, 4096));
  }
  return { secret: bytes("secret"), credential: (asked, user) => (asked === mechanism ? known.get(user) : undefined) };
}

describe("SCRAM", () => {
  // The example of RFC 7677.
  const CLIENT_FIRST = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
  const SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const CLIENT_FINAL = `c=biws,r=rOprNGfwEbeRWgbNEkqO${SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;
  const serverOf = async (passwords: Record<string, string>) => {
    return new ScramServer("SCRAM-SHA-256", await usersOf("SCRAM-SHA-256", passwords), () => SERVER_NONCE);
  };

  test("speaks as in the example of its RFC", async () => {
    const server = await serverOf({ user: "pencil" });
    const first = server.respond(bytes(CLIENT_FIRST));
    expect(first).toEqual({
      kind: "challenge",
      token: bytes(`r=rOprNGfwEbeRWgbNEkqO${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`),
    });
    expect(server.respond(bytes(CLIENT_FINAL))).toEqual({
      kind: "authenticated",
      token: bytes("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
      user: "user",
    });
  });

  test.each([
    ["another password", { user: "pen" }, CLIENT_FIRST, CLIENT_FINAL],
    ["a proof of another length", { user: "pencil" }, CLIENT_FIRST, CLIENT_FINAL.replace(/p=.*/, "p=AAAA")],
    ["another nonce", { user: "pencil" }, CLIENT_FIRST, CLIENT_FINAL.replace("r=r", "r=s")],
    ["a channel binding", { user: "pencil" }, CLIENT_FIRST, CLIENT_FINAL.replace("biws", "eSws")],
    ["no proof", { user: "pencil" }, CLIENT_FIRST, CLIENT_FINAL.replace(/,p=.*/, "")],
  ])("refuses %s", async (_, passwords, first, final) => {
    const server = await serverOf(passwords as Record<string, string>);
    expect(server.respond(bytes(first)).kind).toBe("challenge");
    expect(server.respond(bytes(final))).toEqual({
      kind: "refused",
      reason:
        "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256",
    });
  });

  test.each([
    ["another authorization id", "n,a=root,n=user,r=x"],
    ["a delegation token", "n,,n=user,r=x,tokenauth=true"],
    ["a name with a bare equals sign", "n,,n=us=er,r=x"],
    ["channel binding", "p=tls-unique,,n=user,r=x"],
    ["rubbish", "\0user\0pencil"],
  ])("refuses %s at once", async (_, first) => {
    expect((await serverOf({ user: "pencil" })).respond(bytes(first)).kind).toBe("refused");
  });

  test("does not tell whether a user exists: an unknown one gets a salt, the same each time, and no proof helps", async () => {
    const answers = await Promise.all([1, 2].map(async () => (await serverOf({})).respond(bytes(CLIENT_FIRST))));
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]).toMatchObject({ kind: "challenge", token: expect.objectContaining({}) });
    const salt = (user: string) =>
      serverOf({}).then((server) => String((server.respond(bytes(`n,,n=${user},r=x`)) as { token: Buffer }).token));
    expect(await salt("ann")).not.toBe(await salt("bob"));
    expect(await salt("ann")).toMatch(/,s=[A-Za-z0-9+/]{32},i=4096$/);
  });

  test("keeps little of a client that has not authenticated: a nonce of any length would be kept", async () => {
    const server = await serverOf({ user: "pencil" });
    expect(server.respond(bytes(`n,,n=user,r=${"x".repeat(16 * 1024)}`)).kind).toBe("refused");
  });

  test("knows names with a comma and an equals sign", async () => {
    const password = "pencil";
    const mechanism = "SCRAM-SHA-512";
    const users = await usersOf(mechanism, { "a,b=c": password });
    const asked: string[] = [];
    const credential: ScramUsers["credential"] = (each, user) => {
      asked.push(user);
      return users.credential(each, user);
    };
    new ScramServer(mechanism, { ...users, credential }, () => "s").respond(bytes("n,,n=a=2Cb=3Dc,r=c"));
    expect(asked).toEqual(["a,b=c"]);
    expect(isProof(mechanism, Buffer.alloc(64), users.credential(mechanism, "a,b=c")!, "x")).toBe(false);
  });

  test.each([
    [
      "SCRAM-SHA-256=[name=ann,password=p w=d]",
      { name: "ann", mechanism: "SCRAM-SHA-256", password: "p w=d", iterations: 4096 },
    ],
    [
      'SCRAM-SHA-512=[iterations=8192,name="ann",password="x"]',
      { name: "ann", mechanism: "SCRAM-SHA-512", password: "x", iterations: 8192 },
    ],
    ["SCRAM-SHA-256=[name=ann]", undefined],
    ["SCRAM-SHA-1=[name=ann,password=x]", undefined],
    ["SCRAM-SHA-256=[name=ann,password=x,iterations=10]", undefined],
    ["ann", undefined],
  ])("--add-scram %s", (text, user) => {
    expect(parseScramUser(text)).toEqual(user);
  });

  test.each([
    ["ann", { name: "ann", mechanism: "SCRAM-SHA-512", password: "from, a=file", iterations: 4096 }],
    [
      "SCRAM-SHA-256=[name=ann,iterations=8192]",
      { name: "ann", mechanism: "SCRAM-SHA-256", password: "from, a=file", iterations: 8192 },
    ],
    [
      "SCRAM-SHA-256=[name=ann,password=own]",
      { name: "ann", mechanism: "SCRAM-SHA-256", password: "own", iterations: 4096 },
    ],
    ["SCRAM-SHA-256=[name=ann,password=]", undefined],
    ["a b", undefined],
  ])("--add-scram %s with --password-file", (text, user) => {
    expect(parseScramUser(text, "from, a=file")).toEqual(user);
  });
});

test.each([
  ["\0ann\0secret", "authenticated"],
  ["ann\0ann\0secret", "authenticated"],
  ["\0ann\0other", "Authentication failed: Invalid username or password"],
  ["\0bob\0secret", "Authentication failed: Invalid username or password"],
  ["\0bob\0", "Authentication failed: password not specified"],
  ["\0\0secret", "Authentication failed: username not specified"],
  ["bob\0ann\0secret", "Authentication failed: Client requested an authorization id that is different from username"],
  ["ann\0secret", "Authentication failed: Invalid SASL/PLAIN response: expected 3 tokens"],
])("PLAIN answers %j: %s", (token, expected) => {
  const step = new PlainServer(new Map([["ann", "secret"]])).respond(bytes(token));
  expect(step.kind === "refused" ? step.reason : step.kind).toBe(expected);
});

describe("the exchange of a connection", () => {
  const clock = new SimClock();
  const settings: ListenerSasl = {
    mechanisms: ["PLAIN", "SCRAM-SHA-256"],
    passwords: new Map([
      ["ann", "a"],
      ["bob", "b"],
    ]),
    sessionMs: (mechanism) => (mechanism === "PLAIN" ? 1000 : 0),
  };
  const exchange = () => {
    const users = { secret: bytes("s"), credential: () => undefined };
    return new SaslExchange(settings, { users, clock, random: new SeededRandom(1) });
  };
  const login = (one: SaslExchange, user: string, password: string) => {
    expect(one.choose("PLAIN", false)).toBe("chosen");
    return one.take(bytes(`\0${user}\0${password}`));
  };

  test("needs a mechanism of the listener first", () => {
    const one = exchange();
    expect(one.take(bytes("\0ann\0a"))).toEqual({ kind: "out of turn" });
    expect(one.choose("SCRAM-SHA-512", false)).toBe("unsupported");
    expect(one.choose("GSSAPI", false)).toBe("unsupported");
    expect(login(one, "ann", "a")).toEqual({ kind: "reply", token: Buffer.alloc(0), sessionMs: 1000 });
    expect(one.user).toBe("ann");
    expect(one.take(bytes("\0ann\0a"))).toEqual({ kind: "out of turn" });
  });

  test("is over after a refusal", () => {
    const one = exchange();
    expect(login(one, "ann", "x").kind).toBe("refused");
    expect(one.user).toBeUndefined();
    expect(one.take(bytes("\0ann\0a"))).toEqual({ kind: "out of turn" });
  });

  test("ends with the session, which the same user may renew, by the same mechanism", async () => {
    const one = exchange();
    login(one, "ann", "a");
    await clock.advance(900);
    expect(login(one, "ann", "a")).toMatchObject({ kind: "reply" });
    await clock.advance(900);
    expect(one.user).toBe("ann");
    await clock.advance(200);
    expect([one.user, one.isExpired]).toEqual([undefined, true]);
    expect(one.choose("SCRAM-SHA-256", false)).toBe("another than before");
    expect(login(one, "bob", "b")).toMatchObject({ kind: "refused" });
    expect(one.user).toBeUndefined();
    expect(login(one, "ann", "a")).toMatchObject({ kind: "reply" });
    expect(one.user).toBe("ann");
  });

  test("takes bare tokens after SaslHandshake v0 only", () => {
    const one = exchange();
    one.choose("PLAIN", true);
    expect(one.expectsBareToken).toBe(true);
    one.take(bytes("\0ann\0a"));
    expect(one.expectsBareToken).toBe(false);
  });
});
