import type { StoreRecord } from "../../stores/log-transport.js";
import { isObject, type Json, type JsonObject } from "../json/json-value.js";
import { JsonFault, readJson } from "../json/read-json.js";
import type { WriteTexts } from "../leader/leader-writes.js";
import { REFUSALS } from "../operations/registry-error.js";
import { textOf } from "../state/scope-config.js";
import { contextOf, qualified } from "../state/subject-name.js";
import type { ForwardedAnswer, RawRequest } from "./raw-request.js";
import type { RegistryContext } from "./registry-context.js";
import { requestPath } from "./request-path.js";

/** One request, as the routes see it. */
export class RegistryCall {
  readonly segments: readonly string[];
  readonly query: URLSearchParams;

  /** @throws RegistryError 400, 404 for a path that is none */
  constructor(
    readonly context: RegistryContext,
    readonly request: RawRequest,
  ) {
    const { segments, query } = requestPath(request.target);
    this.segments = segments;
    this.query = query;
  }

  flag(name: string): boolean {
    return this.query.get(name)?.toLowerCase() === "true";
  }

  /** A subject of the path in its one spelling, or its alias. */
  subject(text: string): string {
    const subject = qualified(text);
    const alias = textOf(this.context.view.state.config(subject), "alias");
    return alias ? qualified(alias, contextOf(subject)) : subject;
  }

  /** The body. @param method the name of the operation, for the refusal of a request without one */
  json(method: string): Json {
    const text = this.request.body.toString();
    let json: Json;
    try {
      json = text.trim() === "" ? null : readJson(text);
    } catch (error) {
      if (error instanceof JsonFault) throw REFUSALS.badRequest(error.message);
      throw error;
    }
    if (json === null) throw REFUSALS.missingBody(method);
    return json;
  }

  object(method: string): JsonObject {
    const json = this.json(method);
    if (!isObject(json)) throw REFUSALS.badRequest("Cannot deserialize the request: expected a JSON object");
    return json;
  }

  /**
   * Decides and writes, if this registry leads; otherwise the leader carries out the whole request.
   *
   * @throws RegistryError of the decision or the write, 50003, 50004
   */
  async asLeader<P extends { readonly records: readonly StoreRecord[] }>(
    texts: WriteTexts,
    plan: () => P,
  ): Promise<P | ForwardedAnswer> {
    const place = this.context.place();
    if (!place?.url) throw REFUSALS.noLeader(texts.noLeader);
    return place.term ? this.context.writes.run(texts, plan) : this.context.forward(this.request, place.url, texts);
  }
}
