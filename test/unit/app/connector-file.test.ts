import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { parseConnectorFile } from "../../../src/app/connector-file.js";

const parse = (text: string) => parseConnectorFile(text, "c.file");

describe("a connector file", () => {
  it("may hold properties", () => {
    expect(parse("# a source\nname=lines\nconnector.class = FileStreamSource\n")).toEqual({
      name: "lines",
      config: { name: "lines", "connector.class": "FileStreamSource" },
      file: "c.file",
    });
  });

  it("may hold a flat JSON object, whose numbers and booleans become text as they are written", () => {
    expect(parse('\n{"name": "lines", "tasks.max": 2, "x": 1.0, "y": 10000000000000000001, "z": true}').config).toEqual(
      {
        name: "lines",
        "tasks.max": "2",
        x: "1.0",
        y: "10000000000000000001",
        z: "true",
      },
    );
  });

  it("may hold the body of POST /connectors", () => {
    expect(parse('{"name": "n", "config": {"topic": "t"}, "initial_state": "paused"}')).toEqual({
      name: "n",
      config: { name: "n", topic: "t" },
      initialState: "PAUSED",
      file: "c.file",
    });
    expect(parse('{"name": "n", "config": {"name": "n"}, "initial_state": "RUNNING"}').initialState).toBe("STARTED");
    expect(parse('{"name": "n", "config": {}, "more": 1}')).not.toHaveProperty("initialState");
  });

  it.each([
    ["connector.class=X", "'name' is missing"],
    ['[{"name": "a"}]', "it holds a JSON array: write one file for each connector"],
    ['{"connector.class": "X"}', "'name' is missing"],
    ['{"config": {}}', "'name' is missing"],
    ['{"name": "a", "config": {"name": "b"}}', "'name' is a, but b in 'config'"],
    ['{"name": "a", "topics": ["x"]}', "the value of topics is no text, number or boolean"],
    ['{"name": "a", "config": {}, "initial_state": "ON"}', "initial_state must be one of: RUNNING, PAUSED, STOPPED"],
    ['{"name": "a", "password": "secret"', "it is not valid JSON"],
    ["name=\\uZZZZ", ""],
  ])("%s is refused, naming the file", (text, why) => {
    expect(() => parse(text)).toThrow(`Connector file c.file: ${why}`);
    expect(() => parse(text)).not.toThrow(/secret/);
  });

  it("a fault beside a password does not carry the text around it", () => {
    let error: unknown;
    try {
      parse('{"name": "a", "config": {"database.password": s3cr3t}}');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(Error);
    expect(inspect(error)).not.toContain("s3cr3t");
  });
});
