import type { Request, Response } from "express";
import type { Clock, Logger } from "../api/index.js";
import { deferred } from "../base/deferred.js";
import type { HttpClient } from "../base/http-client.js";
import { REQUEST_TIMEOUT_MS } from "../contract/rest-api.js";
import type { Herder, Stage } from "../herder/herder.js";
import { MisdirectedError } from "../herder/misdirected-error.js";
import { type ForwardedAnswer, forward } from "./forwarding.js";
import { HttpError } from "./http-error.js";

/** The parts that requests need. */
export interface RequestContext {
  readonly herder: Herder;
  readonly clock: Clock;
  /** Reaches the other workers. */
  readonly http: HttpClient;
  readonly logger: Logger;
}

/**
 * Waits for the herder, once it has read its topics, for at most `timeoutMs`.
 *
 * @throws HttpError 500 with the herder's current stage when it takes longer.
 */
export async function awaitHerder<T>(
  { herder, clock }: RequestContext,
  step: () => T | Promise<T>,
  timeoutMs = REQUEST_TIMEOUT_MS,
): Promise<T> {
  const outcome = deferred<T>();
  const timer = clock.schedule(timeoutMs, () => outcome.reject(new HttpError(500, timeoutMessage(herder.stage))));
  herder.loaded.then(step).then(outcome.resolve, outcome.reject);
  try {
    return await outcome.promise;
  } finally {
    timer.cancel();
  }
}

/** The message of a request that took too long, with the herder's stage if there was one. */
function timeoutMessage(stage: Stage | undefined): string {
  if (!stage) return "Request timed out";
  return `Request timed out. ${stageText(stage)}`;
}

/** The herder's current or last stage, in one sentence. */
export function stageText({ description, startedMs, completedMs }: Stage): string {
  const started = new Date(startedMs).toISOString();
  return completedMs === undefined
    ? `The worker is currently ${description}, which began at ${started}`
    : `The last operation the worker completed was ${description}, which began at ${started} and completed at ${new Date(completedMs).toISOString()}`;
}

/**
 * Carries a write out here, or sends it to the worker that can.
 *
 * @returns the result of `step`, or the other worker's answer.
 */
export async function completeOrForward<T>(
  context: RequestContext,
  request: Request,
  step: () => Promise<T>,
  query: Readonly<Record<string, string>> = {},
): Promise<{ readonly here: T } | { readonly there: ForwardedAnswer }> {
  try {
    return { here: await awaitHerder(context, step) };
  } catch (error) {
    if (!(error instanceof MisdirectedError)) throw error;
    const there = await forward(
      {
        method: request.method,
        path: request.path,
        query,
        body: bodyOf(request),
        authorization: request.get("authorization"),
        forward: request.query["forward"] === undefined ? undefined : flag(request, "forward"),
      },
      error,
      context,
    );
    return { there };
  }
}

/** Passes on another worker's answer: its status and body, with headers of our own. */
export function answerForwarded(response: Response, { status, body }: ForwardedAnswer): void {
  response.status(status);
  if (body === undefined) response.end();
  else response.json(body);
}

/** The raw body. @throws HttpError 415 when it has no content type */
export function jsonBody(request: Request): Buffer {
  const body = bodyOf(request) ?? Buffer.alloc(0);
  // Other types are refused before any handler is called.
  if (body.length > 0 && request.get("content-type") === undefined) {
    throw new HttpError(415, "HTTP 415 Unsupported Media Type");
  }
  return body;
}

/** A path parameter, decoded. */
export function pathText(request: Request, name: string): string {
  const value = request.params[name];
  return Array.isArray(value) ? value.join("/") : (value ?? "");
}

/** A task's number in the path, as Java reads an int. @throws HttpError 404, as for any path that does not exist */
export function taskNumber(request: Request): number {
  const text = pathText(request, "task");
  const number = Number(text);
  if (!/^[+-]?\d+$/.test(text) || (number | 0) !== number) throw new HttpError(404, "HTTP 404 Not Found");
  return number;
}

/**
 * A boolean query parameter: true only for `true`, in any case, so that none is ever refused. The first one counts;
 * `absent` if it is missing or empty.
 */
export function flag(request: Request, name: string, absent = false): boolean {
  const value = queryText(request, name);
  return value === undefined || value === "" ? absent : value.toLowerCase() === "true";
}

/** A query parameter; the first one counts. Undefined if it is missing. */
export function queryText(request: Request, name: string): string | undefined {
  const [value] = [request.query[name]].flat();
  return typeof value === "string" ? value : undefined;
}

function bodyOf(request: Request): Buffer | undefined {
  return Buffer.isBuffer(request.body) && request.body.length > 0 ? request.body : undefined;
}
