/** A pattern of JSON Schema; undefined for one that cannot be read here. */
export function patternOf(text: string): RegExp | undefined {
  try {
    return new RegExp(text, "u");
  } catch {
    try {
      return new RegExp(text);
    } catch {
      return undefined;
    }
  }
}
