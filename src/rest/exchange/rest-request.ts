import type { IncomingMessage } from "node:http";
import { type ParsedUrlQuery, parse } from "node:querystring";
import type { TLSSocket } from "node:tls";

/** A request as the routes see it. */
export class RestRequest {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  readonly query: ParsedUrlQuery;
  /** The parameters of the path, decoded; set once its route is found. */
  params: Readonly<Record<string, string>> = {};
  /** The raw body; undefined without one, and before it is read. Signatures cover it, and its numbers are exact. */
  body: Buffer | undefined;

  constructor(readonly message: IncomingMessage) {
    this.method = message.method ?? "";
    const url = withoutOrigin(message.url ?? "");
    const queryAt = url.indexOf("?");
    this.path = queryAt < 0 ? url : url.slice(0, queryAt);
    this.query = parse(queryAt < 0 ? "" : url.slice(queryAt + 1));
  }

  /** A header's value. */
  get(name: string): string | undefined {
    const value = this.message.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  get protocol(): "http" | "https" {
    return (this.message.socket as Partial<TLSSocket>).encrypted ? "https" : "http";
  }
}

/** A request to a proxy has a whole URL. */
function withoutOrigin(url: string): string {
  const [, path = url] = /^https?:\/\/[^/?#]*(.*)$/i.exec(url) ?? [];
  return path.replace(/#.*$/, "");
}
