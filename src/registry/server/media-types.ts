/** What the registry speaks, the preferred one first. All of them are JSON. */
const PRODUCED = [
  "application/vnd.schemaregistry.v1+json",
  "application/vnd.schemaregistry+json",
  "application/json",
] as const;
/** How much the registry likes each. */
const QUALITY = [1, 0.9, 0.5];

export const DEFAULT_TYPE: string = PRODUCED[0];

/** Requests without a type arrive as bytes from some clients. */
const CONSUMED: readonly string[] = [...PRODUCED, "application/octet-stream"];

/** The type to answer a request in; undefined if its `Accept` names none that there is. */
export function producedType(accept: string | undefined): string | undefined {
  if (accept === undefined || accept.trim() === "" || accept.trim() === "*/*") return DEFAULT_TYPE;
  let best: { type: string; weight: number } | undefined;
  for (const [at, type] of PRODUCED.entries()) {
    const weight = weightOf(accept, type) * QUALITY[at]!;
    if (weight > (best?.weight ?? 0)) best = { type, weight };
  }
  return best?.type;
}

/** Whether a body of this type is read. */
export function isConsumed(contentType: string | undefined): boolean {
  return contentType === undefined || CONSUMED.includes(contentType.split(";")[0]!.trim().toLowerCase());
}

/** The weight of the most specific range that covers the type. */
function weightOf(accept: string, type: string): number {
  let found = { specificity: -1, weight: 0 };
  for (const range of accept.split(",")) {
    const [name = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const specificity = ["*/*", "application/*", type].indexOf(name);
    if (specificity <= found.specificity) continue;
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    found = { specificity, weight: q === undefined ? 1 : Number(q.slice(2)) || 0 };
  }
  return found.weight;
}
