import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { Redaction, Redactions } from "../../../../src/herder/config/redaction.js";

/** A reference, in users' notation. */
const REF = `\${vault:k}`;

function noted(value: string, reference = REF): Redaction {
  const redaction = new Redaction();
  redaction.note(reference, value);
  return redaction;
}

describe("the redaction of config providers' values", () => {
  test.each([
    ["as it was given", "pass.w*rd$", "no pass.w*rd$ here", `no ${REF} here`],
    ["trimmed", " hunter2\n", "got hunter2", `got ${REF}`],
    ["as JSON text", 'say "hi"', '{"a":"say \\"hi\\""}', `{"a":"${REF}"}`],
    ["a line of it", "first line\nsecond line", "in second line", `in ${REF}`],
    ["a part of a list", "alpha, beta", "no beta", `no ${REF}`],
  ])("finds a value %s", (_how, value, text, shown) => {
    expect(noted(value).text(text)).toBe(shown);
  });

  test.each([
    [
      "host:port",
      "Broker.secret.test:9092",
      "getaddrinfo ENOTFOUND broker.secret.test",
      `getaddrinfo ENOTFOUND ${REF}`,
    ],
    ["one of several", "a.test:1,b.test:2", "lookup of b.test.", `lookup of ${REF}.`],
    ["with a protocol", "SASL_SSL://c.test:9093", "host c.test is away", `host ${REF} is away`],
    ["a JDBC URL", "jdbc:postgresql://db.test/app", "no db.test", `no ${REF}`],
    ["a URL", "https://d.test/path?x", "connect d.test:443", `connect ${REF}:443`],
    ["IPv6", "[2001:db8::7]:9092", "connect ECONNREFUSED 2001:db8::7:9092", `connect ECONNREFUSED ${REF}:9092`],
  ])("finds the host of an address: %s", (_what, value, text, shown) => {
    expect(noted(value).text(text)).toBe(shown);
  });

  test("hides a host as a word of its own only", () => {
    const text = "org.apache.kafka.common, kafka-clients, my-kafka, kafka.test, kafka";
    expect(noted("kafka:9092").text(text)).toBe(`org.apache.kafka.common, kafka-clients, my-kafka, kafka.test, ${REF}`);
  });

  test("finds the user and the password of a URL, escaped or not", () => {
    const redaction = noted("postgres://admin:p%40ss%2Fword@db.test:5432/app");
    expect(redaction.text('user "admin", p@ss/word, p%40ss%2Fword')).toBe(`user "${REF}", ${REF}, ${REF}`);
  });

  test("takes no host from what is no address", () => {
    expect(noted("jdbc: see below, 10:30").text("jdbc: see")).toBe("jdbc: see");
  });

  test("ignores values of less than four characters, which occur everywhere", () => {
    expect(noted("12").text("at line 12")).toBe("at line 12");
    expect(noted("").text("at line 12")).toBe("at line 12");
  });

  test("replaces the longest value, and changes no inserted reference", () => {
    const redaction = noted("password", `\${pass:long}`);
    redaction.note(REF, "pass");
    expect(redaction.text("password, pass")).toBe(`\${pass:long}, ${REF}`);
  });

  test("keeps each connector's values apart", () => {
    const redactions = new Redactions(new SimClock());
    redactions.note("a", REF, "RUNNING");
    expect(redactions.text("a", "RUNNING")).toBe(REF);
    expect(redactions.text("b", "RUNNING")).toBe("RUNNING");
  });

  test("keeps the values of connectors that exist, and of the last 100 that were removed", async () => {
    const clock = new SimClock();
    const redactions = new Redactions(clock);
    const names = Array.from({ length: 102 }, (_, at) => `c${at}`);
    for (const name of [...names, "kept"]) redactions.note(name, REF, `of-${name};`);
    redactions.removed("c1");
    redactions.note("c1", REF, "created again");
    for (const name of names.filter((each) => each !== "c1")) redactions.removed(name);
    await clock.advance(3_600_000);
    redactions.removed("c101");
    redactions.removed("unknown");
    const shown = (name: string) => redactions.ofAll(`of-${name};`);
    expect([shown("c0"), shown("c1"), shown("c2"), shown("kept")]).toEqual(["of-c0;", REF, REF, REF]);
  });

  test("keeps the values of all that were removed within an hour: their tasks may still stop", async () => {
    const clock = new SimClock();
    const redactions = new Redactions(clock);
    const names = Array.from({ length: 150 }, (_, at) => `c${at}`);
    for (const name of names) redactions.note(name, REF, `of-${name};`);
    for (const name of names) redactions.removed(name);
    await clock.advance(3_599_000);
    redactions.removed("c149");
    expect([redactions.text("c0", "of-c0;"), redactions.ofAll("of-c1;")]).toEqual([REF, REF]);
  });

  test("forgets the oldest of very many", () => {
    const redaction = new Redaction();
    for (let at = 0; at < 1_001; at++) redaction.note(REF, `token-${at};`);
    expect(redaction.text("token-0; token-1; token-1000;")).toBe(`token-0; ${REF} ${REF}`);
  });
});
