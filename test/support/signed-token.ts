import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A key pair that signs tokens. */
export interface TokenSigner {
  /** The public key, as an element of a JSON Web Key Set. */
  readonly publicKey: Readonly<Record<string, unknown>>;
  /** A token with these claims. @param header replaces fields of its header. */
  token(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): string;
}

const CURVES: Readonly<Record<string, string>> = { "256": "P-256", "384": "P-384", "512": "P-521" };

/** Makes a new key pair for an algorithm, such as RS256 or EdDSA. */
export function tokenSigner(algorithm: string, keyId: string, modulusLength = 2048): TokenSigner {
  const bits = algorithm.slice(2);
  const { publicKey, privateKey } =
    algorithm === "EdDSA"
      ? generateKeyPairSync("ed25519")
      : algorithm.startsWith("ES")
        ? generateKeyPairSync("ec", { namedCurve: CURVES[bits]! })
        : generateKeyPairSync("rsa", { modulusLength });
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    publicKey: { ...(publicKey as KeyObject).export({ format: "jwk" }), kid: keyId, use: "sig" },
    token(claims, header = {}) {
      const signed = `${encoded({ alg: algorithm, kid: keyId, ...header })}.${encoded(claims)}`;
      const hash = algorithm === "EdDSA" ? null : `sha${bits}`;
      const padding = algorithm.startsWith("PS") && {
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      };
      const form = algorithm.startsWith("ES") && { dsaEncoding: "ieee-p1363" as const };
      const signature = sign(hash, Buffer.from(signed), { key: privateKey, ...padding, ...form });
      return `${signed}.${signature.toString("base64url")}`;
    },
  };
}

/** A JSON Web Key Set with the keys of these signers. */
export function keySetOf(...signers: readonly TokenSigner[]): string {
  return JSON.stringify({ keys: signers.map(({ publicKey }) => publicKey) });
}
