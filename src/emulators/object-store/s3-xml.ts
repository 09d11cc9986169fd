import { S3Error } from "./s3-error.js";

/** An element's content: text, children by name in order, or several elements of one name. */
type XmlContent = string | number | boolean | XmlFields | readonly XmlContent[];
export interface XmlFields {
  readonly [name: string]: XmlContent | undefined;
}

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A response body: `root` in S3's namespace, with `fields`. An array repeats its element; undefined leaves it out. */
export function writeXml(root: string, fields: XmlFields): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${children(fields)}</${root}>`;
}

/** An error body, which has no namespace. */
export function writeErrorXml(fields: XmlFields): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${children(fields)}</Error>`;
}

function children(fields: XmlFields): string {
  let xml = "";
  for (const [name, content] of Object.entries(fields)) {
    if (content === undefined) continue;
    for (const one of Array.isArray(content) ? (content as readonly XmlContent[]) : [content]) {
      xml += `<${name}>${typeof one === "object" ? children(one as XmlFields) : escapeText(String(one))}</${name}>`;
    }
  }
  return xml;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\r": "&#13;",
};
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function escapeText(text: string): string {
  return text.replace(/[&<>"\r]/g, (character) => ESCAPES[character] ?? character);
}

function unescapeText(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number.parseInt(decimal, 10));
    return ENTITIES[name] ?? whole;
  });
}

/**
 * Reads the two request bodies S3 has lists in: the leaf elements of each `item` below `root`, by name.
 *
 * @throws S3Error MalformedXML where the root is another or is not closed.
 */
export function readXmlList(xml: string, root: string, item: string): { items: Map<string, string>[]; rest: string } {
  const body = new RegExp(`<${root}(?:\\s[^>]*)?>([\\s\\S]*)</${root}>\\s*$`).exec(xml)?.[1];
  if (body === undefined) throw new S3Error("MalformedXML", `The body is not a ${root} element`);
  const items: Map<string, string>[] = [];
  const rest = body.replace(new RegExp(`<${item}>([\\s\\S]*?)</${item}>`, "g"), (_, inner: string) => {
    const fields = new Map<string, string>();
    for (const [, name = "", text = ""] of inner.matchAll(/<(\w+)>([^<]*)<\/\1>/g))
      fields.set(name, unescapeText(text));
    items.push(fields);
    return "";
  });
  return { items, rest };
}
