import { HttpError } from "../http-error.js";

/** Whether a path is one of a route; undefined if not, else its parameters, decoded. */
export type PathMatch = (path: string) => Readonly<Record<string, string>> | undefined;

/**
 * Compiles the path of a route. A parameter is one whole segment, and not empty. A slash may follow the path.
 *
 * @returns a match that throws HttpError 400 for a parameter that is not URL-encoded.
 */
export function pathMatch(route: string): PathMatch {
  const wanted = segments(route);
  return (path) => {
    const given = segments(path);
    if (given.length > wanted.length && given.at(-1) === "") given.pop();
    if (given.length !== wanted.length) return undefined;
    const fits = wanted.every((segment, at) => (isParameter(segment) ? given[at] !== "" : given[at] === segment));
    if (!fits) return undefined;
    const params: Record<string, string> = {};
    wanted.forEach((segment, at) => {
      if (isParameter(segment)) params[segment.slice(1)] = decoded(given[at]!);
    });
    return params;
  };
}

/** "/a/b" has the segments "", "a" and "b"; "/" has two empty ones. */
function segments(path: string): string[] {
  return path.split("/");
}

function isParameter(segment: string): boolean {
  return segment.startsWith(":");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new HttpError(400, `Failed to decode param '${text}'`, { cause });
  }
}
