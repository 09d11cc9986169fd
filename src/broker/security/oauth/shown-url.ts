const HIDDEN = "[hidden]";

/** Whether a property is the URL of the keys of tokens. */
export function isKeysUrl(name: string): boolean {
  return name.endsWith("sasl.oauthbearer.jwks.endpoint.url");
}

/** A URL for logs, errors and clients: without user, password, query and fragment, any of which may be secret. */
export function shownUrl(text: string): string {
  if (text.trim() === "") return text;
  if (!URL.canParse(text)) return HIDDEN;
  const url = new URL(text);
  const isOpen = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  return isOpen ? text : Object.assign(url, { username: "", password: "", search: "", hash: "" }).href;
}
