import { describe, expect, test } from "vitest";
import { corsHeaders, parseCorsPolicy } from "../../../../src/http/access/cors.js";

const policy = parseCorsPolicy("http://a.example, https://.*\\.b\\.example", " GET,PUT ")!;
const OPEN = { takesCredentials: false };
const request = (origin: string | undefined, method = "GET", requestedMethod?: string) => ({
  origin,
  method,
  requestedMethod,
});

describe("CORS", () => {
  test("is off without origins", () => {
    expect(parseCorsPolicy(" , ", "GET")).toBeUndefined();
  });

  test.each([
    ["http://a.example", true],
    ["HTTP://A.example", true],
    ["https://x.b.example", true],
    ["https://b.example", false],
    ["http://a.example.evil", false],
    [undefined, false],
  ])("of %s is allowed: %s", (origin, allowed) => {
    expect(corsHeaders(policy, request(origin), OPEN)).toEqual({
      Vary: "Origin",
      ...(allowed && { "Access-Control-Allow-Origin": origin }),
    });
  });

  test("of any origin is allowed by *", () => {
    const headers = corsHeaders(parseCorsPolicy("*", "")!, request("null"), OPEN);
    expect(headers).toEqual({ Vary: "Origin", "Access-Control-Allow-Origin": "null" });
  });

  test("answers a preflight with methods, headers and an age", () => {
    expect(corsHeaders(policy, request("http://a.example", "OPTIONS", "POST"), OPEN)).toEqual({
      Vary: "Origin",
      "Access-Control-Allow-Origin": "http://a.example",
      "Access-Control-Allow-Methods": "GET,PUT",
      "Access-Control-Allow-Headers": "Content-Type",
      "Access-Control-Max-Age": "60",
    });
    const defaults = corsHeaders(parseCorsPolicy("*", "")!, request("http://x", "OPTIONS", "PUT"), OPEN);
    expect(defaults["Access-Control-Allow-Methods"]).toBe("GET,POST,HEAD");
    expect(corsHeaders(policy, request("http://evil", "OPTIONS", "PUT"), OPEN)).toEqual({ Vary: "Origin" });
    expect(corsHeaders(policy, request("http://a.example", "OPTIONS"), OPEN)).not.toHaveProperty(
      "Access-Control-Max-Age",
    );
  });

  test("allows the header of credentials where they are needed", () => {
    const headers = corsHeaders(policy, request("http://a.example", "OPTIONS", "POST"), { takesCredentials: true });
    expect(headers["Access-Control-Allow-Headers"]).toBe("Content-Type,Authorization");
  });

  test("with a bad pattern is refused", () => {
    expect(() => parseCorsPolicy("[", "")).toThrow(/access\.control\.allow\.origin/);
  });
});
