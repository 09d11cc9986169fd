import { describe, expect, test } from "vitest";
import { PropertiesError, parseProperties } from "../../../src/base/properties.js";

describe("parseProperties", () => {
  test("reads the syntax of Java's Properties", () => {
    const text = [
      "# comment",
      "! comment",
      "bootstrap.servers=localhost:9092",
      "  key.converter : org.X",
      "spaced value with  blanks ",
      "multi=a,\\",
      "   b",
      "esc\\=aped\\:key=tab\\tnl\\nu\\u00e9",
      "empty=",
      "bare",
      "path=C:\\\\dir",
      "twice=1",
      "twice=2",
    ].join("\r\n");
    expect(parseProperties(text)).toEqual({
      "bootstrap.servers": "localhost:9092",
      "key.converter": "org.X",
      spaced: "value with  blanks ",
      multi: "a,b",
      "esc=aped:key": "tab\tnl\nué",
      empty: "",
      bare: "",
      path: "C:\\dir",
      twice: "2",
    });
  });

  test("names the line of a broken escape", () => {
    expect(() => parseProperties("a=1\nb=\\u12")).toThrow(PropertiesError);
    expect(() => parseProperties("a=1\nb=\\u12")).toThrow("line 2");
  });
});
