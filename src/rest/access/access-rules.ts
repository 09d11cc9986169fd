import type { Request, RequestHandler } from "express";
import type { Clock } from "../../api/index.js";
import { HttpError } from "../http-error.js";
import { basicCredentials, isInternal, mayEnter, type UserModule } from "./basic-auth.js";
import { type CorsPolicy, type CorsRequest, corsHeaders, isAllowedPreflight, parseCorsPolicy } from "./cors.js";
import { applyHeaderRules, type HeaderRule, parseHeaderRules } from "./header-rules.js";
import { restUsers } from "./rest-extensions.js";

/** Who may call REST, and the headers that every answer gets. */
export interface AccessRules {
  /** undefined: everybody may call it. */
  readonly users: readonly UserModule[] | undefined;
  readonly cors: CorsPolicy | undefined;
  readonly headers: readonly HeaderRule[];
}

/** The worker properties of these rules. */
export interface AccessConfig {
  readonly "rest.extension.classes": readonly string[];
  readonly "java.security.auth.login.config": string | null;
  readonly "access.control.allow.origin": string;
  readonly "access.control.allow.methods": string;
  readonly "response.http.headers.config": string;
}

/**
 * Reads the rules of a worker, with the files that they name.
 *
 * @param env the process's environment, for KAFKA_OPTS.
 * @throws ConfigError naming the key.
 */
export function accessRules(config: AccessConfig, env: Readonly<Record<string, string | undefined>>): AccessRules {
  return {
    users: restUsers(config["rest.extension.classes"], config["java.security.auth.login.config"], env),
    cors: parseCorsPolicy(config["access.control.allow.origin"], config["access.control.allow.methods"]),
    headers: parseHeaderRules(config["response.http.headers.config"]),
  };
}

/** Sets the headers of `access.control.*` and `response.http.headers.config`, on refusals as well. */
export function decorate({ users, cors, headers }: AccessRules, clock: Clock): RequestHandler {
  return (request, response, next) => {
    if (cors) response.set(corsHeaders(cors, corsRequest(request), { takesCredentials: users !== undefined }));
    applyHeaderRules(headers, response, clock.nowMs());
    next();
  };
}

/**
 * Refuses callers without a user. Requests between workers pass: they are signed. So do preflights: browsers send them
 * without credentials, and they change and show nothing.
 */
export function authenticate({ users, cors }: Pick<AccessRules, "users" | "cors">): RequestHandler {
  return (request, _response, next) => {
    if (!users || isInternal(request.method, request.path)) return next();
    if (cors && isAllowedPreflight(cors, corsRequest(request))) return next();
    if (mayEnter(users, basicCredentials(request.get("authorization")))) return next();
    throw new HttpError(401, "User cannot access the resource.");
  };
}

function corsRequest(request: Request): CorsRequest {
  return {
    method: request.method,
    origin: request.get("origin"),
    requestedMethod: request.get("access-control-request-method"),
  };
}
