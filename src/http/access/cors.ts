import { javaPattern } from "../../api/index.js";

/** Whose pages may call REST from a browser (`access.control.*`). */
export interface CorsPolicy {
  readonly allowsOrigin: (origin: string) => boolean;
  readonly methods: readonly string[];
}

const DEFAULT_METHODS = ["GET", "POST", "HEAD"];
/** Kafka Connect's. With basic auth it allows no more, so that no page can log in; here its header is allowed, too. */
const ALLOWED_HEADERS = "Content-Type";
const CREDENTIALS_HEADER = "Authorization";
const PREFLIGHT_MAX_AGE_S = 60;

/**
 * Reads `access.control.allow.origin` and `.methods`, each separated by commas. An origin is `*` for all, or a Java
 * pattern of whole origins, in any case, as in Kafka Connect's server.
 *
 * @returns undefined when no origin is named: then no answer has CORS headers.
 * @throws ConfigError for a pattern that cannot be read.
 */
export function parseCorsPolicy(origins: string, methods: string): CorsPolicy | undefined {
  const named = items(origins);
  if (named.length === 0) return undefined;
  const patterns = named
    .filter((origin) => origin !== "*")
    .map((origin) => javaPattern("access.control.allow.origin", origin, { ignoresCase: true }));
  const allowsOrigin = named.includes("*")
    ? () => true
    : (origin: string) => patterns.some((pattern) => pattern.test(origin));
  const allowed = items(methods);
  return { allowsOrigin, methods: allowed.length === 0 ? DEFAULT_METHODS : allowed };
}

/** The headers of a request that matter to CORS. */
export interface CorsRequest {
  readonly method: string;
  readonly origin: string | undefined;
  /** `Access-Control-Request-Method`: with OPTIONS, it makes the request a preflight. */
  readonly requestedMethod: string | undefined;
}

/** Whether a browser asks if a page of an allowed origin may send a request. It sends no credentials with that. */
export function isAllowedPreflight(policy: CorsPolicy, { method, origin, requestedMethod }: CorsRequest): boolean {
  return method === "OPTIONS" && requestedMethod !== undefined && origin !== undefined && policy.allowsOrigin(origin);
}

/**
 * The CORS headers of an answer. A request of another origin is answered without them, so that its browser hides the
 * answer; a preflight reaches the route as well.
 *
 * @param takesCredentials whether requests need an Authorization header, which pages may send only if it is allowed.
 */
export function corsHeaders(
  policy: CorsPolicy,
  request: CorsRequest,
  { takesCredentials }: { readonly takesCredentials: boolean },
): Readonly<Record<string, string>> {
  const vary = { Vary: "Origin" };
  const { origin } = request;
  if (origin === undefined || !policy.allowsOrigin(origin)) return vary;
  const allowed = { ...vary, "Access-Control-Allow-Origin": origin };
  if (!isAllowedPreflight(policy, request)) return allowed;
  return {
    ...allowed,
    "Access-Control-Allow-Methods": policy.methods.join(","),
    "Access-Control-Allow-Headers": takesCredentials ? `${ALLOWED_HEADERS},${CREDENTIALS_HEADER}` : ALLOWED_HEADERS,
    "Access-Control-Max-Age": String(PREFLIGHT_MAX_AGE_S),
  };
}

function items(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
