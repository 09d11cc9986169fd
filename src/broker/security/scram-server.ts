import type { SaslServer, SaslStep } from "./sasl-server.js";
import { decoyCredential, isProof, type ScramCredential, type ScramMechanism, serverSignature } from "./scram.js";

/** The credentials of all users. */
export interface ScramUsers {
  credential(mechanism: ScramMechanism, user: string): ScramCredential | undefined;
  /** A key that no client knows. */
  readonly secret: Buffer;
}

interface Begun {
  readonly user: string;
  readonly credential: ScramCredential;
  readonly isKnown: boolean;
  readonly header: string;
  readonly clientFirst: string;
  readonly serverFirst: string;
  readonly nonce: string;
}

/** The largest token. The first one of a client is kept until the next, before it has authenticated; names and nonces are short. */
const MAX_TOKEN_BYTES = 8 * 1024;
const CLIENT_FIRST = /^(n,(?:a=([^,]*))?,)(n=([^,]+),r=([^,]+)((?:,[^,]*)*))$/;
const CLIENT_FINAL = /^(c=([^,]+),r=([^,]+)(?:,[^,]*)*),p=([^,]+)$/;

/** SASL SCRAM (RFC 5802) without channel binding. */
export class ScramServer implements SaslServer {
  #begun: Begun | undefined;

  /** @param makeNonce returns printable characters that were never used before. */
  constructor(
    private readonly mechanism: ScramMechanism,
    private readonly users: ScramUsers,
    private readonly makeNonce: () => string,
  ) {}

  respond(token: Buffer): SaslStep {
    if (token.length > MAX_TOKEN_BYTES) return this.#refused();
    const text = token.toString("utf8");
    return this.#begun ? this.#finish(text, this.#begun) : this.#begin(text);
  }

  #begin(text: string): SaslStep {
    const found = CLIENT_FIRST.exec(text);
    const user = found && nameOf(found[4]!);
    if (!found || user === undefined || user === null) return this.#refused();
    const [, header = "", authorizationId, clientFirst = "", , clientNonce = "", extensions = ""] = found;
    if (authorizationId !== undefined && nameOf(authorizationId) !== user) return this.#refused();
    // Delegation tokens: there are none here.
    if (extensions.includes("tokenauth=true")) return this.#refused();
    const known = this.users.credential(this.mechanism, user);
    const credential = known ?? decoyCredential(this.mechanism, this.users.secret, user);
    const nonce = clientNonce + this.makeNonce();
    const serverFirst = `r=${nonce},s=${credential.salt},i=${credential.iterations}`;
    this.#begun = { user, credential, isKnown: known !== undefined, header, clientFirst, serverFirst, nonce };
    return { kind: "challenge", token: Buffer.from(serverFirst) };
  }

  #finish(text: string, { user, credential, isKnown, header, clientFirst, serverFirst, nonce }: Begun): SaslStep {
    const found = CLIENT_FINAL.exec(text);
    if (!found) return this.#refused();
    const [, withoutProof = "", binding = "", clientNonce, proof = ""] = found;
    const isBound = Buffer.from(binding, "base64").toString() === header;
    const authMessage = `${clientFirst},${serverFirst},${withoutProof}`;
    const isRight = isProof(this.mechanism, Buffer.from(proof, "base64"), credential, authMessage);
    if (!isRight || !isKnown || !isBound || clientNonce !== nonce) return this.#refused();
    const signature = serverSignature(this.mechanism, credential, authMessage);
    return { kind: "authenticated", token: Buffer.from(`v=${signature.toString("base64")}`), user };
  }

  #refused(): SaslStep {
    const reason = `Authentication failed during authentication due to invalid credentials with SASL mechanism ${this.mechanism}`;
    return { kind: "refused", reason };
  }
}

/** A user's name as SCRAM writes it: `=2C` for a comma and `=3D` for an equals sign. undefined: not such a name. */
function nameOf(text: string): string | undefined {
  const name = text.replaceAll("=2C", ",").replaceAll("=3D", "=");
  return /=(?!2C|3D)/.test(text) ? undefined : name;
}
