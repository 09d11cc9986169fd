import type { SaslServer, SaslStep } from "../sasl-server.js";
import type { TokenVerdict } from "./json-web-token.js";

const NO_BYTES = Buffer.alloc(0);
const SEPARATOR = "\u0001";
const HEADER = /^[ny],(?:a=((?:[^=,]|=2C|=3D)+))?,$/;
const BEARER = /^bearer +([-\w.]+)$/i;
const INVALID_TOKEN = '{"status":"invalid_token"}';

/** SASL OAUTHBEARER (RFC 7628): the client sends a token, and after a refusal one byte more. */
export class OAuthBearerServer implements SaslServer {
  #refusal: string | undefined;

  /** @param check judges a token. */
  constructor(private readonly check: (token: string) => TokenVerdict) {}

  respond(message: Buffer): SaslStep {
    if (this.#refusal !== undefined) return { ...refused(this.#refusal), wasChallenged: true };
    const { user: asked, token } = parse(message.toString("utf8")) ?? {};
    if (token === undefined) return refused("Invalid OAUTHBEARER client first message");
    const verdict = this.check(token);
    if (verdict.kind !== "valid") {
      this.#refusal =
        verdict.kind === "invalid" ? `the token is refused: ${verdict.reason}` : "the token's key is not known";
      return { kind: "challenge", token: Buffer.from(INVALID_TOKEN), refusal: refused(this.#refusal).reason };
    }
    const { user, expiresMs } = verdict;
    if (asked !== undefined && asked !== user) {
      return refused("Client requested an authorization id that is different from the token's principal name");
    }
    return { kind: "authenticated", token: NO_BYTES, user, expiresMs };
  }
}

/** The user that the client asks to be, and its token; undefined: it is no message of the mechanism. */
function parse(message: string): { readonly user: string | undefined; readonly token: string } | undefined {
  const [header = "", ...pairs] = message.split(SEPARATOR);
  const known = HEADER.exec(header);
  // The last pair is followed by two separators.
  if (!known || pairs.length < 2 || pairs.at(-1) !== "" || pairs.at(-2) !== "") return undefined;
  const auth = pairs.find((pair) => pair.startsWith("auth="));
  const token = BEARER.exec(auth?.slice("auth=".length) ?? "")?.[1];
  if (token === undefined) return undefined;
  return { user: known[1]?.replaceAll("=2C", ",").replaceAll("=3D", "="), token };
}

function refused(reason: string) {
  return { kind: "refused", reason: `Authentication failed: ${reason}` } as const;
}
