/** The ranges of an envelope's two members in its bytes: `[start, end)`. */
export interface EnvelopeParts {
  readonly schema: readonly [start: number, end: number];
  readonly payload: readonly [start: number, end: number];
}

/**
 * Finds `schema` and `payload` in `{"schema":…,"payload":…}` without parsing them, so that a known schema can be looked
 * up by its bytes. Returns undefined when the bytes are not an object of exactly these members, or their outline is
 * malformed. The contents of the two are not checked.
 */
export function splitEnvelope(bytes: Buffer): EnvelopeParts | undefined {
  let at = skipBlanks(bytes, 0);
  if (bytes[at++] !== 0x7b) return undefined;
  let schema: [number, number] | undefined;
  let payload: [number, number] | undefined;
  do {
    const nameStart = skipBlanks(bytes, at);
    const nameEnd = skipString(bytes, nameStart);
    at = skipBlanks(bytes, nameEnd);
    if (nameEnd < 0 || bytes[at++] !== 0x3a) return undefined;
    const start = skipBlanks(bytes, at);
    const end = skipValue(bytes, start);
    if (end < 0) return undefined;
    // Of two members with the same name the last counts.
    const name = bytes.toString("latin1", nameStart + 1, nameEnd - 1);
    if (name === "schema") schema = [start, end];
    else if (name === "payload") payload = [start, end];
    else return undefined;
    at = skipBlanks(bytes, end);
  } while (bytes[at++] === 0x2c);
  return bytes[at - 1] === 0x7d && schema && payload ? { schema, payload } : undefined;
}

function skipBlanks(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}

/** The position after the value that starts at `from`; -1 when there is none. */
function skipValue(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === 0x22) return skipString(bytes, from);
  if (first === 0x7b || first === 0x5b) return skipNested(bytes, from);
  let at = from;
  while (at < bytes.length && !endsScalar(bytes[at]!)) at++;
  return at > from ? at : -1;
}

function endsScalar(c: number): boolean {
  return c <= 0x20 || c === 0x2c || c === 0x7d || c === 0x5d;
}

function skipNested(bytes: Buffer, from: number): number {
  let depth = 0;
  for (let at = from; at < bytes.length; at++) {
    const c = bytes[at];
    if (c === 0x22) {
      at = skipString(bytes, at) - 1;
      if (at < 0) return -1;
    } else if (c === 0x7b || c === 0x5b) depth++;
    else if ((c === 0x7d || c === 0x5d) && --depth === 0) return at + 1;
  }
  return -1;
}

function skipString(bytes: Buffer, from: number): number {
  if (bytes[from] !== 0x22) return -1;
  for (let at = from + 1; at < bytes.length; at++) {
    const c = bytes[at];
    if (c === 0x22) return at + 1;
    if (c === 0x5c) at++;
  }
  return -1;
}
