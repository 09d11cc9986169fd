import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseJsonWebKeys } from "../../../../../src/broker/security/oauth/json-web-keys.js";
import { checkToken, type TokenRules } from "../../../../../src/broker/security/oauth/json-web-token.js";
import { keySetOf, tokenSigner } from "../../../../support/signed-token.js";

const NOW = 1_800_000_000;
const CLAIMS = { sub: "ann", iat: NOW - 10, exp: NOW + 60, iss: "https://issuer", aud: ["kafka", "other"] };
const RULES: TokenRules = {
  audiences: ["kafka"],
  issuer: "https://issuer",
  subjectClaim: "sub",
  clockSkewMs: 30_000,
};

const signer = tokenSigner("RS256", "one");
const keys = parseJsonWebKeys(keySetOf(signer, tokenSigner("RS256", "two")));

function check(token: string, rules: Partial<TokenRules> = {}) {
  return checkToken(token, keys, { ...RULES, ...rules }, NOW * 1000);
}

test.each(["RS256", "RS384", "RS512", "PS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"])(
  "%s: a token is that of its user; one that was changed is refused",
  (algorithm) => {
    const own = tokenSigner(algorithm, "k");
    const known = parseJsonWebKeys(keySetOf(tokenSigner("RS256", "r"), own));
    const token = own.token(CLAIMS);
    const verdict = checkToken(token, known, RULES, NOW * 1000);
    expect(verdict).toEqual({ kind: "valid", user: "ann", expiresMs: CLAIMS.exp * 1000 });
    const [head, , signature] = token.split(".");
    const forged = Buffer.from(JSON.stringify({ ...CLAIMS, sub: "root" })).toString("base64url");
    const changed = checkToken(`${head}.${forged}.${signature}`, known, RULES, NOW * 1000);
    expect(changed).toEqual({ kind: "invalid", reason: "its signature is wrong" });
  },
);

describe("is refused:", () => {
  test.each([
    ["expired", { exp: NOW }, "it has expired"],
    ["without an end", { exp: undefined }, "it has no expiration time (exp)"],
    ["with a text as its end", { exp: "9999999999" }, "it has no expiration time (exp)"],
    ["without a time of issue", { iat: undefined }, "it has no time of issue (iat)"],
    ["not valid yet", { nbf: NOW + 31 }, "it is not valid yet (nbf)"],
    ["of another issuer", { iss: "https://other" }, "it is of another issuer (iss)"],
    ["for another audience", { aud: "other" }, "it is for another audience (aud)"],
    ["without an audience", { aud: undefined }, "it is for another audience (aud)"],
    ["without a user", { sub: undefined }, "it names no user (sub)"],
    ["with a blank user", { sub: " " }, "it names no user (sub)"],
  ])("one %s", (_, claims, reason) => {
    expect(check(signer.token({ ...CLAIMS, ...claims }))).toEqual({ kind: "invalid", reason });
  });

  test("one without a signature, or signed with the public key as a secret", () => {
    const [, body] = signer.token(CLAIMS).split(".");
    const head = (alg: string) => Buffer.from(JSON.stringify({ alg, kid: "one" })).toString("base64url");
    expect(check(`${head("none")}.${body}.`)).toMatchObject({ reason: "its algorithm is not served: none" });
    const secret = JSON.stringify(signer.publicKey);
    const signature = createHmac("sha256", secret)
      .update(`${head("HS256")}.${body}`)
      .digest("base64url");
    expect(check(`${head("HS256")}.${body}.${signature}`)).toMatchObject({ reason: expect.stringContaining("HS256") });
  });

  test("one whose algorithm is an object that cannot be printed", () => {
    const token = signer.token(CLAIMS, { alg: { toString: 1 } });
    expect(check(token)).toEqual({ kind: "invalid", reason: "its algorithm is not served: object" });
  });

  test("one with another key's id, an unknown one, or parameters that must be understood", () => {
    expect(check(signer.token(CLAIMS, { kid: "two" }))).toMatchObject({ reason: "its signature is wrong" });
    expect(check(signer.token(CLAIMS, { kid: "three" }))).toEqual({ kind: "unknown key" });
    expect(check(signer.token(CLAIMS, { crit: ["b64"] }))).toMatchObject({ kind: "invalid" });
    expect(check(signer.token(CLAIMS, { alg: "ES256" }))).toEqual({ kind: "unknown key" });
  });

  test.each(["", "a.b", "a.b.c", "e30.e30.", "bnVsbA.bnVsbA.x", "W10.W10.x"])("%j", (token) => {
    expect(check(token).kind).toBe("invalid");
  });

  test("one by a key that is too short", () => {
    const short = tokenSigner("RS256", "short", 1024);
    const known = parseJsonWebKeys(keySetOf(short));
    expect(checkToken(short.token(CLAIMS), known, RULES, NOW * 1000)).toEqual({ kind: "unknown key" });
  });
});

test("a token counts from its beginning on, less the clock skew, until it expires", () => {
  expect(check(signer.token({ ...CLAIMS, exp: NOW + 0.001, nbf: NOW + 30 })).kind).toBe("valid");
});

test("a token without a key's id is tried with every key; the user may be in another claim", () => {
  const token = tokenSigner("RS256", "x");
  const all = parseJsonWebKeys(keySetOf(tokenSigner("RS256", "y"), token));
  const rules = { ...RULES, subjectClaim: "client_id", audiences: [], issuer: undefined };
  const claims = { client_id: " bob ", iat: NOW, exp: NOW + 1 };
  expect(checkToken(token.token(claims, { kid: undefined }), all, rules, NOW * 1000)).toMatchObject({ user: "bob" });
});

test("keys for other uses, secrets and unknown types are left out; none that can be used is an error", () => {
  const other = { ...signer.publicKey, use: "enc" };
  const secret = { kty: "oct", k: "c2VjcmV0", kid: "s" };
  const set = (...list: unknown[]) => JSON.stringify({ keys: list });
  expect(parseJsonWebKeys(set(other, secret, { kty: "new" }, null, signer.publicKey)).map(({ id }) => id)).toEqual([
    "one",
  ]);
  expect(() => parseJsonWebKeys(set(secret))).toThrow("no public key");
  expect(() => parseJsonWebKeys("<html>")).toThrow("no JSON Web Key Set");
  expect(() => parseJsonWebKeys("{}")).toThrow("no JSON Web Key Set");
});
