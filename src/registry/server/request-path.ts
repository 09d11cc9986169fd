import { REFUSALS } from "../operations/registry-error.js";

/** The path of a request, with its segments decoded, and its query. */
export interface RequestPath {
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** Reads the target of a request. @throws RegistryError 404 for escapes that are none */
export function requestPath(target: string): RequestPath {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  try {
    return withoutContext({
      segments: path
        .split("/")
        .filter((segment) => segment !== "")
        .map(decodeURIComponent),
      query: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)),
    });
  } catch (error) {
    if (error instanceof URIError) throw REFUSALS.notFound();
    throw error;
  }
}

/** `/contexts/C/…` means the same path with the subjects in the context C. */
function withoutContext({ segments, query }: RequestPath): RequestPath {
  const [first, name, ...rest] = segments;
  if (first !== "contexts" || name === undefined) return { segments, query };
  const prefix = `:${contextName(name)}:`;
  if (rest.length === 0) return { segments: [first, prefix], query };
  const prefixed = (text: string) => (text.startsWith(":.") || text.startsWith(":*:") ? text : prefix + text);
  if (rest.length === 1 && (rest[0] === "config" || rest[0] === "mode")) return { segments: [...rest, prefix], query };
  const changed = new URLSearchParams(query);
  if (rest.length === 1 && (rest[0] === "schemas" || rest[0] === "subjects")) {
    changed.set("subjectPrefix", prefixed(query.get("subjectPrefix") ?? ""));
  }
  if (rest[0] === "schemas" && rest[1] === "ids") changed.set("subject", prefixed(query.get("subject") ?? ""));
  const at = rest[0] === "config" || rest[0] === "mode" ? 1 : rest.indexOf("subjects") + 1;
  const whole = rest.map((segment, index) => (at > 0 && index === at ? prefixed(segment) : segment));
  return { segments: whole, query: changed };
}

/** `c`, `.c` and `:.c:` name the same context. */
function contextName(text: string): string {
  const plain = /^:(.*?):?$/.exec(text)?.[1] ?? text;
  if (plain.includes(":")) throw REFUSALS.badRequest(`Context name '${plain}' cannot contain a colon`);
  return plain.startsWith(".") ? plain : `.${plain}`;
}
