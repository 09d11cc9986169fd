import { createHash, timingSafeEqual } from "node:crypto";
import type { LoginModule } from "../../base/config/jaas.js";

/** A login module with its users, by name. */
export interface UserModule {
  readonly flag: LoginModule["flag"];
  readonly users: ReadonlyMap<string, string>;
}

/** A name and password of an Authorization header. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** The requests between workers, which are signed instead (KIP-507, KIP-618). */
const INTERNAL = /^(?:POST \/?connectors\/[^/]+\/tasks|PUT \/?connectors\/[^/]+\/fence)\/?$/;

/** Whether a request needs no user because its sender is another worker. @param path without its query */
export function isInternal(method: string, path: string): boolean {
  return INTERNAL.test(`${method} ${path}`);
}

/** Reads an Authorization header with the scheme Basic (RFC 7617); undefined for any other and for none. */
export function basicCredentials(header: string | undefined): Credentials | undefined {
  const [, encoded] = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? "") ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Whether the modules of a JAAS entry, in their order, let a caller in. The flags mean what they mean in JAAS. */
export function mayEnter(modules: readonly UserModule[], credentials: Credentials | undefined): boolean {
  let isFailed = false;
  let isPassed = false;
  for (const { flag, users } of modules) {
    const passes = knows(users, credentials);
    if (passes) isPassed = true;
    if (flag === "sufficient" && passes && !isFailed) return true;
    if (passes || flag === "sufficient" || flag === "optional") continue;
    isFailed = true;
    if (flag === "requisite") break;
  }
  return isPassed && !isFailed;
}

/** As in PropertyFileLoginModule, a file without users lets everybody in. */
function knows(users: ReadonlyMap<string, string>, credentials: Credentials | undefined): boolean {
  if (users.size === 0) return true;
  if (!credentials) return false;
  const known = users.get(credentials.user);
  // Compared also for an unknown user, in constant time: the time of an answer must not show which names exist.
  const isSame = timingSafeEqual(digest(known ?? ""), digest(credentials.password));
  return known !== undefined && isSame;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
