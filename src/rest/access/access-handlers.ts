import type { Request, RequestHandler } from "express";
import type { Clock } from "../../api/index.js";
import type { AccessRules } from "../../http/access/access-rules.js";
import { basicCredentials, isInternal, mayEnter } from "../../http/access/basic-auth.js";
import { type CorsRequest, corsHeaders, isAllowedPreflight } from "../../http/access/cors.js";
import { applyHeaderRules } from "../../http/access/header-rules.js";
import { HttpError } from "../http-error.js";

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
