import { REFUSALS, RegistryError } from "../operations/registry-error.js";
import type { Answer } from "./answer.js";
import type { ForwardedAnswer } from "./raw-request.js";
import type { RegistryCall } from "./registry-call.js";

/** Carries out a request. @param params the segments that stand for `*` */
export type Handler = (
  call: RegistryCall,
  ...params: string[]
) => Answer | ForwardedAnswer | Promise<Answer | ForwardedAnswer>;

/** `GET /subjects/*` and the like, with their handlers. */
export type Routes = Readonly<Record<string, Handler>>;

interface Node {
  readonly handlers: Map<string, Handler>;
  readonly next: Map<string, Node>;
}

/** Finds the handler of a request. */
export class Router {
  readonly #root: Node = { handlers: new Map(), next: new Map() };

  constructor(routes: Routes) {
    for (const [route, handler] of Object.entries(routes)) {
      const [method = "", path = ""] = route.split(" ");
      let node = this.#root;
      for (const segment of path.split("/").filter((each) => each !== "")) {
        const next = node.next.get(segment) ?? { handlers: new Map(), next: new Map() };
        node.next.set(segment, next);
        node = next;
      }
      node.handlers.set(method, handler);
    }
  }

  /** @throws RegistryError 404 for an unknown path, 405 for a method that it does not have */
  find(method: string, segments: readonly string[]): { readonly handler: Handler; readonly params: string[] } {
    let node = this.#root;
    const params: string[] = [];
    for (const segment of segments) {
      const exact = node.next.get(segment);
      const next = exact ?? node.next.get("*");
      if (!next) throw REFUSALS.notFound();
      if (!exact) params.push(segment);
      node = next;
    }
    if (node.handlers.size === 0) throw REFUSALS.notFound();
    const handler = node.handlers.get(method === "HEAD" ? "GET" : method);
    if (!handler) throw new RegistryError(405, 405, "HTTP 405 Method Not Allowed");
    return { handler, params };
  }
}
