import { createHash, timingSafeEqual } from "node:crypto";
import type { SaslServer, SaslStep } from "./sasl-server.js";

const NO_BYTES = Buffer.alloc(0);

/** SASL PLAIN (RFC 4616): `[AUTHORIZATION ID] NUL USER NUL PASSWORD`. */
export class PlainServer implements SaslServer {
  /** @param passwords of all users, by their names. */
  constructor(private readonly passwords: ReadonlyMap<string, string>) {}

  respond(token: Buffer): SaslStep {
    const parts = token.toString("utf8").split("\0");
    const [authorizationId, user, password] = parts;
    if (parts.length !== 3) return refused("Invalid SASL/PLAIN response: expected 3 tokens");
    if (!user) return refused("username not specified");
    if (!password) return refused("password not specified");
    const expected = this.passwords.get(user);
    // Compared for an unknown user, too: the time must not show that there is none.
    const isRight = isSame(password, expected ?? "") && expected !== undefined;
    if (!isRight) return refused("Invalid username or password");
    if (authorizationId !== "" && authorizationId !== user) {
      return refused("Client requested an authorization id that is different from username");
    }
    return { kind: "authenticated", token: NO_BYTES, user };
  }
}

function refused(reason: string): SaslStep {
  return { kind: "refused", reason: `Authentication failed: ${reason}` };
}

/** Compares in constant time: the digests are equally long. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
