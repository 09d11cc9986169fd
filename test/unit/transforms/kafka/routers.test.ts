// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of the settings.
import { describe, expect, test } from "vitest";
import { sourceRecord, transformation } from "../transformed.js";

describe("RegexRouter", () => {
  const route = (regex: string, replacement: string, topic: string) =>
    transformation("RegexRouter", { regex, replacement }).apply(sourceRecord({ topic }))!.topic;

  test("renames topics that match as a whole", () => {
    expect(route("([^.]*)[.]([^.]*)[.](.*)", "$3", "shop.public.orders")).toBe("orders");
    expect(route("(?<db>\\w+)[.].*", "${db}_all", "shop.public")).toBe("shop_all");
    expect(route("shop", "new", "shop2")).toBe("shop2");
    expect(route("(x)?y", "<$1>", "y")).toBe("<>");
  });

  test("replaces the first match within the topic, as Java does", () => {
    expect(route("o|orders", "n", "orders")).toBe("nrders");
  });

  test("reads further digits only for groups that exist", () => {
    expect(route("(a)(b)", "$21\\$", "ab")).toBe("b1$");
  });

  test("refuses unknown groups, and groups that Java captures otherwise", () => {
    expect(() => route("(a)", "$2", "a")).toThrow("Invalid value $2 for configuration replacement: No group 2");
    expect(() => route("(a)", "${x}", "a")).toThrow("No group with name {x}");
    expect(() => route("(a)", "$", "a")).toThrow("Illegal group reference");
    expect(() => route("(?:(a)|b)*", "$1", "ab")).toThrow("group 1 is optional within a repetition");
    expect(route("(?:(a)|b)*", "x", "ab")).toBe("x");
  });
});

describe("TimestampRouter", () => {
  test("makes the time a part of the topic", () => {
    const record = sourceRecord({ timestampMs: 1_700_000_000_123 });
    expect(transformation("TimestampRouter", {}).apply(record)!.topic).toBe("orders-20231114");
    const format = { "topic.format": "${timestamp}_${topic}_${timestamp}", "timestamp.format": "yyyy-'W'ww" };
    expect(transformation("TimestampRouter", format).apply(record)!.topic).toBe("2023-W46_orders_2023-W46");
  });

  test("needs a time, and a pattern", () => {
    expect(() => transformation("TimestampRouter", {}).apply(sourceRecord())).toThrow(/Timestamp missing/);
    expect(() => transformation("TimestampRouter", { "timestamp.format": "yyyy-q" })).toThrow(
      "Invalid value yyyy-q for configuration timestamp.format: Illegal pattern character 'q'",
    );
  });
});
