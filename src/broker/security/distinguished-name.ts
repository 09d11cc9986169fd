/** The attributes that have a name in RFC 2253; all others are written as their object identifier. */
const KEYWORDS: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.9": "STREET",
  "0.9.2342.19200300.100.1.25": "DC",
  "0.9.2342.19200300.100.1.1": "UID",
};

const UTF8_STRING = 0x0c;
const PRINTABLE_STRING = 0x13;
const TELETEX_STRING = 0x14;
const IA5_STRING = 0x16;
const GENERAL_STRING = 0x1b;
const UNIVERSAL_STRING = 0x1c;
const BMP_STRING = 0x1e;
/** The version of a certificate, which old ones lack. */
const VERSION = 0xa0;

/** A DER value: its tag, its content, and all of its bytes. */
interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  readonly bytes: Buffer;
}

/**
 * The subject of a certificate as Java names it (X500Principal.getName, RFC 2253): Kafka's principals have this form.
 *
 * @param certificate in DER; its signature has been checked.
 * @returns undefined if it cannot be read: an authority signs what it likes.
 */
export function subjectOf(certificate: Buffer): string | undefined {
  try {
    return readSubject(certificate);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function readSubject(certificate: Buffer): string {
  const [body] = valuesOf(valuesOf(certificate)[0]!.content);
  const fields = valuesOf(body!.content).filter(({ tag }) => tag !== VERSION);
  // The serial number, the algorithm of the signature, the issuer and the validity are before it.
  const subject = fields[4]!;
  return valuesOf(subject.content)
    .reverse()
    .map((relative) => valuesOf(relative.content).map(attributeText).join("+"))
    .join(",");
}

function attributeText({ content }: DerValue): string {
  const [type, value] = valuesOf(content);
  const id = objectIdOf(type!.content);
  const keyword = KEYWORDS[id];
  const text = keyword === undefined ? undefined : textOf(value!);
  return text === undefined ? `${keyword ?? id}=#${value!.bytes.toString("hex")}` : `${keyword}=${escaped(text)}`;
}

function textOf({ tag, content }: DerValue): string | undefined {
  switch (tag) {
    case UTF8_STRING:
    case PRINTABLE_STRING:
    case IA5_STRING:
    case GENERAL_STRING:
      return content.toString("utf8");
    case TELETEX_STRING:
      return content.toString("latin1");
    case BMP_STRING:
      return Buffer.from(content).swap16().toString("utf16le");
    case UNIVERSAL_STRING:
      return String.fromCodePoint(
        ...Array.from({ length: content.length / 4 }, (_, at) => content.readUInt32BE(4 * at)),
      );
    default:
      return undefined;
  }
}

function escaped(text: string): string {
  return text
    .replace(/[,=+<>#;"\\]/g, "\\$&")
    .replace(/^[ \r]+|[ \r]+$/g, (blanks) => blanks.replace(/./gs, "\\$&"))
    .replaceAll("\0", "\\00");
}

function objectIdOf(content: Buffer): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    if (numbers.length > 0) numbers.push(number);
    else numbers.push(Math.min(2, Math.floor(number / 40)), number - 40 * Math.min(2, Math.floor(number / 40)));
    number = 0;
  }
  return numbers.join(".");
}

/** The values that follow each other in `bytes`. @throws RangeError if they are not DER */
function valuesOf(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at);
    let length = bytes.readUInt8(at + 1);
    let start = at + 2;
    if (length & 0x80) {
      const count = length & 0x7f;
      length = bytes.readUIntBE(start, count);
      start += count;
    }
    const end = start + length;
    if (end > bytes.length) throw new RangeError("A DER value ends early");
    values.push({ tag, content: bytes.subarray(start, end), bytes: bytes.subarray(at, end) });
    at = end;
  }
  return values;
}
