import { isIPv6 } from "node:net";

/** An address as Java writes it, `0:0:0:0:0:0:0:1` for `::1`: the hosts of Kafka's ACLs have this form. */
export function hostAddress(text: string): string {
  if (!isIPv6(text)) return text;
  const [address = "", zone] = text.split("%");
  const hex = address.toLowerCase().replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a, b, c, d] = bytes.slice(0, 4).map(Number) as [number, number, number, number];
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [before = [], after] = hex.split("::").map((part) => (part === "" ? [] : part.split(":")));
  const zeros = after ? Array<string>(8 - before.length - after.length).fill("0") : [];
  const groups = [...before, ...zeros, ...(after ?? [])].map((group) => Number.parseInt(group, 16).toString(16));
  return groups.join(":") + (zone === undefined ? "" : `%${zone}`);
}
