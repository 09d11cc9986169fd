/** A media type without its parameters, in lower case: the values of Content-Type and Accept are compared by it. */
export function mediaTypeOf(text: string): string {
  return text.split(";")[0]!.trim().toLowerCase();
}
