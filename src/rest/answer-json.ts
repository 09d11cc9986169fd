import type { Response } from "express";
import { writeExactJson } from "../base/exact-json.js";
import { MEDIA_TYPE } from "../contract/rest-api.js";

/**
 * Express's `response.json`, in Kafka Connect's form: the media type has no charset, integers beyond 2^53 stay exact,
 * and characters beyond the basic plane are escaped.
 */
export function answerJson(this: Response, body?: unknown): Response {
  // Express adds a charset to the type of a text, but not of bytes.
  this.setHeader("Content-Type", MEDIA_TYPE);
  return this.send(Buffer.from(writeExactJson(body)));
}
