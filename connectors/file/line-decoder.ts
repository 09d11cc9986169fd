import { isUtf8 } from "node:buffer";

/** Encodings whose bytes 10 and 13 are not always the ends of lines. */
const WITHOUT_LINE_ENDS = new Set(["utf-16le", "utf-16be", "iso-2022-jp", "replacement"]);

/** Whether lines can be read in this encoding (a label of the Encoding Standard: UTF-8, ISO-8859-1, Shift_JIS). */
export function isLineEncoding(label: string): boolean {
  try {
    return !WITHOUT_LINE_ENDS.has(new TextDecoder(label).encoding);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Turns a line's bytes into text. */
export interface LineDecoder {
  /** Malformed bytes become U+FFFD. */
  decode(line: Buffer): string;
  isMalformed(line: Buffer): boolean;
}

/** @param label one of `isLineEncoding`. */
export function lineDecoder(label: string): LineDecoder {
  const decoder = new TextDecoder(label, { ignoreBOM: true });
  if (decoder.encoding === "utf-8")
    return { decode: (line) => line.toString("utf8"), isMalformed: (line) => !isUtf8(line) };
  const strict = new TextDecoder(label, { ignoreBOM: true, fatal: true });
  return {
    decode: (line) => decoder.decode(line),
    isMalformed: (line) => {
      try {
        strict.decode(line);
        return false;
      } catch (error) {
        if (error instanceof TypeError) return true;
        throw error;
      }
    },
  };
}
