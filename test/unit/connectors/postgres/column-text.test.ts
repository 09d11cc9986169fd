import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readArray } from "../../../../connectors/postgres/types/array-text.js";
import {
  atScale,
  parseMoney,
  parseNumeric,
  readUnscaled,
  stripZeros,
} from "../../../../connectors/postgres/types/decimal-text.js";
import { parseHstore } from "../../../../connectors/postgres/types/hstore-text.js";
import { formatInterval, intervalMicros, parseInterval } from "../../../../connectors/postgres/types/interval-text.js";
import {
  type Decode,
  readBits,
  readBytea,
  readInt64,
  readInteger,
  readText,
} from "../../../../connectors/postgres/types/number-text.js";
import {
  dateOf,
  daysOf,
  microsSinceEpoch,
  readDate,
  readInstant,
  readTime,
  readZonedTimestamp,
} from "../../../../connectors/postgres/types/temporal-text.js";
import { CopyRowReader } from "../../../../connectors/postgres/wal/copy-row.js";
import { NULL } from "../../../../connectors/postgres/wal/pgoutput-decoder.js";
import { encodeUnscaled } from "../../../../src/api/index.js";

/** Reads a text inside a larger buffer, as columns are. */
function read<T>(decode: Decode<T>, text: string): T {
  const bytes = Buffer.from(`<<${text}>>`, "utf8");
  return decode(bytes, 2, bytes.length - 2);
}

describe("whole numbers", () => {
  test("of 32 bits are numbers, of 64 bits numbers or bigints, never wrong", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(read(readInteger, String(value))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const found = read(readInt64, String(value));
        expect(BigInt(found)).toBe(value);
        expect(typeof found).toBe(Number.isSafeInteger(Number(value)) ? "number" : "bigint");
      }),
    );
  });

  test("reject any other text", () => {
    for (const text of ["", "-", "1a", "1.5", " 1"]) expect(() => read(readInteger, text)).toThrow(/not an integer/);
  });
});

describe("decimals", () => {
  const twosComplement = (bytes: Buffer) => BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`));

  test("keep every digit at their column's scale", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat({ max: 12 }), (unscaled, scale) => {
        const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
        const split = digits.length - scale;
        const text = `${unscaled < 0n ? "-" : ""}${digits.slice(0, split)}${scale > 0 ? `.${digits.slice(split)}` : ""}`;
        const bytes = read((all, start, end) => readUnscaled(all, start, end, scale), text);
        expect(twosComplement(bytes)).toBe(unscaled);
        expect(bytes).toEqual(encodeUnscaled(unscaled));
      }),
    );
  });

  test("without a fixed scale lose their trailing zeros, and never have a negative scale", () => {
    expect(stripZeros(parseNumeric("10.1110"))).toEqual({ unscaled: 10_111n, scale: 3 });
    expect(stripZeros(parseNumeric("1000"))).toEqual({ unscaled: 1000n, scale: 0 });
    expect(stripZeros(parseNumeric("1e3"))).toEqual({ unscaled: 1000n, scale: 0 });
  });

  test("reject NaN and infinities", () => {
    for (const text of ["NaN", "Infinity", "-Infinity"]) {
      expect(() => read((all, start, end) => readUnscaled(all, start, end, 2), text)).toThrow(/special value/);
    }
  });

  test("of money are read in many spellings, rounded half away from zero", () => {
    const cents = (text: string) => atScale(parseMoney(text), 2);
    expect(cents("$1,234.11")).toBe(123_411n);
    expect(cents("($1,234.11)")).toBe(-123_411n);
    expect(cents("-$92,233,720,368,547,758.08")).toBe(-9_223_372_036_854_775_808n);
    expect(cents("1.234,50 €")).toBe(123_450n);
    expect(atScale(parseMoney("$0.05"), 1)).toBe(1n);
  });
});

describe("dates and times", () => {
  test("count days as the calendar does", () => {
    fc.assert(
      fc.property(fc.integer({ min: -2_500_000, max: 2_500_000 }), (days) => {
        const { year, month, day } = dateOf(days);
        expect(daysOf(year, month, day)).toBe(days);
        const date = new Date(days * 86_400_000);
        expect([year, month, day]).toEqual([date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]);
      }),
    );
  });

  test("are read from Postgres's text to the microsecond", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -60_000_000_000, max: 250_000_000_000 }),
        fc.nat({ max: 999_999 }),
        (seconds, micros) => {
          const iso = new Date(seconds * 1000).toISOString();
          const fraction = `.${String(micros).padStart(6, "0")}`.replace(/\.?0+$/, "");
          const text = `${iso.replace(/^\+0*/, "").replace("T", " ").slice(0, -5)}${fraction}+00`;
          expect(BigInt(microsSinceEpoch(read(readInstant, text)))).toBe(BigInt(seconds) * 1_000_000n + BigInt(micros));
          const year = iso.startsWith("+") ? `+${Number(iso.slice(1, 7))}` : iso.slice(0, 4);
          const zoned = read((all, start, end) => readZonedTimestamp(all, start, end, 6), text);
          expect(zoned).toBe(`${year}${iso.slice(iso.indexOf("-"), -5)}.${String(micros).padStart(6, "0")}Z`);
        },
      ),
    );
  });

  test("are read before Christ, at the infinities and at 24:00", () => {
    expect(read(readDate, "0044-03-15 BC")).toBe(-735_160);
    expect(read(readDate, "infinity")).toBe(-2_147_472_692);
    expect(read(readTime, "24:00:00")).toBe(86_400_000_000);
    expect(read((all, start, end) => readZonedTimestamp(all, start, end, 0), "0001-01-01 00:00:00+00 BC")).toBe(
      "0000-01-01T00:00:00Z",
    );
    expect(() => read(readDate, "2017")).toThrow(/not a date/);
  });

  test("intervals have a sign for each part", () => {
    const text = "-1 years -2 mons +3 days -04:05:06.789";
    expect(formatInterval(parseInterval(text))).toBe("P-1Y-2M3DT-4H-5M-6.789S");
    expect(intervalMicros(parseInterval("1 year 2 mons 3 days 04:05:06.78"))).toBe(37_091_106_780_000);
    expect(formatInterval(parseInterval("00:00:00"))).toBe("P0Y0M0DT0H0M0S");
    expect(intervalMicros(parseInterval("178000000 years"))).toBe(2n ** 63n - 1n);
    expect(formatInterval(parseInterval("2562047788:00:54.775807"))).toBe("P0Y0M0DT2562047788H0M54.775807S");
    expect(intervalMicros(parseInterval("-2562047788:00:54.775807"))).toBe(-(2n ** 63n) + 1n);
    expect(() => parseInterval("soon")).toThrow(/not an interval/);
  });
});

describe("composed texts", () => {
  const quoted = (item: string | null) =>
    item === null ? "NULL" : `"${item.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  const item = fc.option(fc.string({ unit: "binary", maxLength: 12 }));

  test("arrays are read item by item", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 8 }), (items) => {
        const text = `{${items.map(quoted).join(",")}}`;
        expect(read((all, start, end) => readArray(all, start, end, readText), text)).toEqual(items);
      }),
    );
    expect(read((all, start, end) => readArray(all, start, end, readText), "[0:1]={low,null}")).toEqual(["low", null]);
    expect(() => read((all, start, end) => readArray(all, start, end, readText), "{{a},{b}}")).toThrow(/one dimension/);
    for (const text of ["", "{", "{a", '{"a', "{a,", "a}"])
      expect(() => read((all, start, end) => readArray(all, start, end, readText), text)).toThrow(/not an array/);
  });

  test("hstore pairs are read in their order", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: "binary", maxLength: 6 }), item), { maxLength: 6 }), (pairs) => {
        const map = new Map(pairs);
        const text = [...map].map(([key, value]) => `${quoted(key)}=>${quoted(value)}`).join(", ");
        expect([...parseHstore(text)]).toEqual([...map]);
      }),
    );
    expect(() => parseHstore("nonsense")).toThrow(/not an hstore/);
  });

  test("bits are a little-endian number, bytea is hex or escaped", () => {
    const vectors = [
      ["101", "05"],
      ["00", ""],
      ["1000000", "40"],
      ["000000110000001000000001", "010203"],
      ["111011010001000110000001000000001", "010223da01"],
      [`1${"0".repeat(63)}`, "0000000000000080"],
    ];
    for (const [bits, hex] of vectors) expect(read(readBits, bits!).toString("hex")).toBe(hex);
    expect(read(readBytea, "\\x00ff")).toEqual(Buffer.from([0, 255]));
    expect(read(readBytea, "a\\\\b\\000")).toEqual(Buffer.from([0x61, 0x5c, 0x62, 0]));
  });

  test("rows of COPY are read column by column, with every escape", () => {
    const escapes: Record<string, string> = {
      "\\": "\\\\",
      "\t": "\\t",
      "\n": "\\n",
      "\r": "\\r",
      "\b": "\\b",
      "\f": "\\f",
      "\v": "\\v",
    };
    const escaped = (text: string | null) =>
      text === null ? "\\N" : text.replace(/[\\\t\n\r\b\f\v]/g, (letter) => escapes[letter]!);
    const reader = new CopyRowReader();
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 8 }), (columns) => {
        const line = Buffer.from(`${columns.map(escaped).join("\t")}\n`, "utf8");
        const tuple = reader.read(line, 0, line.length);
        const found = Array.from({ length: tuple.count }, (_, index) =>
          tuple.kinds[index] === NULL ? null : tuple.bytes.toString("utf8", tuple.starts[index], tuple.ends[index]),
        );
        expect(found).toEqual(columns);
      }),
    );
  });
});
