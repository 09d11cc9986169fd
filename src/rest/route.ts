import type { RequestHandler } from "express";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** One path and the handlers of its methods. Other methods get 405; OPTIONS lists the handled ones. */
export interface Route {
  readonly path: string;
  /** The media type of its answers; by default JSON. It is sent whatever the client accepts. */
  readonly produces?: string;
  readonly handlers: Readonly<Partial<Record<Method, RequestHandler>>>;
}
