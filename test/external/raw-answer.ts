/** An answer of HTTP/1.1, read off its bytes. */
export interface RawAnswer {
  readonly status: number;
  /** By lower-case name; the values of one that is repeated in their order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** A JSON value, or the text; "HTML" for a page. */
  readonly body: unknown;
}

/** @param text everything that the server has sent until it closed the connection. */
export function rawAnswer(text: string): RawAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [, ...lines] = head.split("\r\n");
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  const content = rest.join("\r\n\r\n");
  const isChunked = headers.get("transfer-encoding")?.[0] === "chunked";
  return {
    status: Number(head.slice(9, 12)),
    headers,
    body: parsed(isChunked ? content.replace(/(^|\r\n)[0-9a-f]+\r\n/gi, "") : content),
  };
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return content.startsWith("<") ? "HTML" : content;
  }
}

/** Names and types without values. Names of connectors are values; of a list, the first item stands for all. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, shapeOf(member)]),
  );
}

/** The `message` of an error's body. */
export function messageOf(body: unknown): unknown {
  return typeof body === "object" && body !== null && "message" in body ? body.message : undefined;
}
