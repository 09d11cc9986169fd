import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JavaMapEntry, readJavaMap, writeJavaMap } from "../../../../src/stores/standalone/java-map.js";

// Written by ObjectOutputStream of JDK 21: four entries, one value null, two keys with one and the same value object.
const FROM_JAVA = Buffer.from(
  "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcAUH2sHDFmDRAwACRgAKbG9hZEZhY3RvckkACXRocmVzaG9sZHhwP0AAAAAAAAx3CAAAABAAAAAEdXIA" +
    "AltCrPMX+AYIVOACAAB4cAAAACpbImxpbmVzLWluIix7ImZpbGVuYW1lIjoiL3RtcC9saW5lcy50eHQifV11cQB+AAIAAAAPeyJwb3NpdGlv" +
    "biI6MTl9dXEAfgACAAAACFsiYiIse31ddXEAfgACAAAADnsicG9zaXRpb24iOjR9dXEAfgACAAAAEFsiYSIseyJmIjoiw6QifV1wdXEAfgAC" +
    "AAAACFsiYyIse31dcQB+AAZ4",
  "base64",
);

const textOf = ({ key, value }: JavaMapEntry) => [key?.toString(), value?.toString()];

describe("readJavaMap", () => {
  it("reads what Java wrote, with nulls and references to a value that occurred before", () => {
    expect(readJavaMap(FROM_JAVA).map(textOf)).toEqual([
      ['["lines-in",{"filename":"/tmp/lines.txt"}]', '{"position":19}'],
      ['["b",{}]', '{"position":4}'],
      ['["a",{"f":"ä"}]', undefined],
      ['["c",{}]', '{"position":4}'],
    ]);
  });

  it("refuses every stream that is cut short", () => {
    for (let length = 0; length < FROM_JAVA.length; length++)
      expect(() => readJavaMap(FROM_JAVA.subarray(0, length))).toThrow(SyntaxError);
  });

  it("refuses text, and objects of other classes by their name", () => {
    expect(() => readJavaMap(Buffer.from("offsets"))).toThrow(/at byte 0.*ac ed 00 05/);
    const other = Buffer.from(FROM_JAVA);
    other.write("java.util.TreeMap", 8);
    expect(() => readJavaMap(other)).toThrow("found java.util.TreeMap");
  });

  it("ends on any damage with an error or with entries, never otherwise", () => {
    fc.assert(
      fc.property(fc.nat(FROM_JAVA.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(FROM_JAVA);
        damaged[at] = byte;
        try {
          readJavaMap(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});

describe("writeJavaMap", () => {
  it("writes what readJavaMap reads", () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
    const entry = fc.record({ key: bytes, value: fc.option(bytes) });
    const entries = fc.uniqueArray(entry, { selector: ({ key }) => key.toString("hex"), maxLength: 60 });
    fc.assert(
      fc.property(entries, (written) => {
        expect(readJavaMap(writeJavaMap(written))).toEqual(written);
      }),
    );
  });

  it("writes Java's bytes for one entry", () => {
    const [first] = readJavaMap(FROM_JAVA);
    const written = writeJavaMap([first!]);
    // The same start up to the size, then Java's first entry.
    expect(written.subarray(0, 77)).toEqual(FROM_JAVA.subarray(0, 77));
    const entry = written.subarray(81, -1);
    expect(entry).toEqual(FROM_JAVA.subarray(81, 81 + entry.length));
  });
});
