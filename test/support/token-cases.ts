import { type TokenSigner, tokenSigner } from "./signed-token.js";

/** A token, and whether brokers take it. */
export interface TokenCase {
  readonly label: string;
  readonly token: string;
  readonly isTaken: boolean;
}

/** The rules that the tokens of `tokenCases` are made for. */
export const TOKEN_AUDIENCE = "kafka";
export const TOKEN_ISSUER = "https://issuer.test";

/**
 * Tokens with one fault each, and some without. @param rsa its key is known to the broker, with the id `rsa`. @param
 * elliptic likewise, for ES256, with the id `ec`.
 */
export function tokenCases(rsa: TokenSigner, elliptic: TokenSigner, nowMs: number): readonly TokenCase[] {
  const now = Math.floor(nowMs / 1000);
  const good = { sub: "ann", iat: now, exp: now + 3600, aud: TOKEN_AUDIENCE, iss: TOKEN_ISSUER };
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const [head, , signature] = rsa.token(good).split(".");
  const claims = (changed: Readonly<Record<string, unknown>>) => rsa.token({ ...good, ...changed });
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["good", claims({}), true],
    ["good, signed with ES256", elliptic.token(good), true],
    ["good, with several audiences and scopes", claims({ aud: ["x", TOKEN_AUDIENCE], scope: ["a", "b"] }), true],
    ["good, without a key's id", rsa.token(good, { kid: undefined }), true],
    ["expired within the skew", claims({ exp: now - 5 }), false],
    ["good, issued in the future", claims({ iat: now + 3600 }), true],
    ["expired", claims({ exp: now - 600 }), false],
    ["without an end", claims({ exp: undefined }), false],
    ["without a time of issue", claims({ iat: undefined }), false],
    ["not valid yet", claims({ nbf: now + 600 }), false],
    ["for another audience", claims({ aud: "other" }), false],
    ["without an audience", claims({ aud: undefined }), false],
    ["of another issuer", claims({ iss: "https://other.test" }), false],
    ["without a user", claims({ sub: undefined }), false],
    ["with an empty user", claims({ sub: "" }), false],
    ["with another user put in", `${head}.${encoded({ ...good, sub: "root" })}.${signature}`, false],
    ["without a signature", `${encoded({ alg: "none" })}.${encoded(good)}.`, false],
    ["of an unknown key", tokenSigner("RS256", "stranger").token(good), false],
    ["of an unknown key under a known id", tokenSigner("RS256", "rsa").token(good), false],
    ["with a header that must be understood", rsa.token(good, { crit: ["x"], x: 1 }), false],
    ["no token", "abc", false],
  ];
  return cases.map(([label, token, isTaken]) => ({ label, token, isTaken }));
}
