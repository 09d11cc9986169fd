import type { RestRequest } from "./rest-request.js";
import type { RestResponse } from "./rest-response.js";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** Answers a request. An error that it throws becomes the answer. */
export type RequestHandler = (request: RestRequest, response: RestResponse) => void | Promise<void>;

/** One path and the handlers of its methods. Other methods get 405; OPTIONS lists the handled ones. */
export interface Route {
  /** Segments that begin with a colon are parameters. */
  readonly path: string;
  /** The media type of its answers; by default JSON. It is sent whatever the client accepts. */
  readonly produces?: string;
  readonly handlers: Readonly<Partial<Record<Method, RequestHandler>>>;
}
