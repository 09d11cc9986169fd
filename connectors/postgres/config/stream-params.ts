/** Options that the connector sets itself, or whose answers it does not decode. */
const OWN = new Set(["proto_version", "publication_names", "messages", "binary", "streaming", "two_phase"]);

/** The options `k=v;k=v` of slot.stream.params, in order. Entries that are none are left out. */
export function parseStreamParams(text: string): readonly (readonly [name: string, value: string])[] {
  return entriesOf(text).flatMap((entry) => {
    const [name, value, ...more] = entry.split("=");
    return value === undefined || more.length > 0 ? [] : [[name!.trim(), value.trim()] as const];
  });
}

/** Why they are refused; undefined if they are not. */
export function streamParamsFault(text: string): string | undefined {
  const params = parseStreamParams(text);
  if (params.length < entriesOf(text).length) return "Options are expected as name=value, separated by semicolons";
  const own = params.find(([name]) => OWN.has(name.toLowerCase()));
  return own && `Option '${own[0]}' is the connector's own. Remove it`;
}

function entriesOf(text: string): string[] {
  return text
    .split(";")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}
