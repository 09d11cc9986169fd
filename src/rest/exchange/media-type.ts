/** A media type without its parameters, in lower case: the values of Content-Type and Accept are compared by it. */
export function mediaTypeOf(text: string): string {
  return text.split(";")[0]!.trim().toLowerCase();
}

/**
 * The media types of an Accept header that a client wants most first: by weight, then by place. Those of weight 0 are
 * left out. A client without the header takes any.
 */
export function acceptedTypes(accept: string | undefined): string[] {
  if (accept === undefined || accept.trim() === "") return ["*/*"];
  return accept
    .split(",")
    .map((range) => ({ type: mediaTypeOf(range), weight: weightOf(range) }))
    .filter(({ type, weight }) => type.includes("/") && weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ type }) => type);
}

function weightOf(range: string): number {
  const [, text] = /;\s*q\s*=\s*([\d.]+)/i.exec(range) ?? [];
  return text === undefined ? 1 : Number(text);
}
