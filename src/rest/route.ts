import type { RequestHandler } from "express";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** One path and the handlers of its methods. Other methods get 405; OPTIONS lists the handled ones. */
export interface Route {
  readonly path: string;
  readonly handlers: Readonly<Partial<Record<Method, RequestHandler>>>;
}
