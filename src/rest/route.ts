import type { RequestHandler } from "express";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** One path and what its methods do. A path that is there answers other methods 405, and OPTIONS with those it has. */
export interface Route {
  readonly path: string;
  readonly handlers: Readonly<Partial<Record<Method, RequestHandler>>>;
}
