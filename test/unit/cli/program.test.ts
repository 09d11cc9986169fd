import { beforeEach, describe, expect, test, vi } from "vitest";
import { ConfigError, ConflictError } from "../../../src/api/index.js";
import { errorLine, exitCodeOf } from "../../../src/cli/exit-code.js";
import { type Commands, runProgram } from "../../../src/cli/program.js";

let calls: unknown[][];
let written: string;
const run = (...args: string[]) => runProgram(args, "1.2.3", commands);
const note =
  (name: string, code = 0) =>
  async (...args: unknown[]) => {
    calls.push([name, ...args]);
    return code;
  };
const commands: Commands = {
  up: (options) => note("up")({ ...options }),
  worker: (file) => note("worker", 2)(file),
  registry: (file) => note("registry")(file),
  standalone: (file, connectorFiles) => note("standalone")(file, connectorFiles),
  broker: (options) => note("broker")({ ...options }),
  export: (options) => note("export", 3)({ ...options }),
  demo: (options) => note("demo")({ ...options }),
};

beforeEach(() => {
  calls = [];
  written = "";
  const take = (text: unknown) => {
    written += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(take);
  vi.spyOn(process.stderr, "write").mockImplementation(take);
  return () => vi.restoreAllMocks();
});

describe("the command line", () => {
  test.each([
    [["up"], ["up", { data: "./millrace-data" }]],
    [
      ["up", "--data", "d", "--kafka", "[::1]:0", "--rest", "h:1", "--config", "f", "--broker-config", "b"],
      ["up", { data: "d", kafka: "[::1]:0", rest: "h:1", config: "f", brokerConfig: "b" }],
    ],
    [
      ["broker", "--listen", "127.0.0.1:0", "--config", "f"],
      ["broker", { data: "./millrace-data", listen: "127.0.0.1:0", config: "f" }],
    ],
    [
      ["standalone", "w.properties"],
      ["standalone", "w.properties", []],
    ],
    [
      ["standalone", "w.properties", "a.json", "b.properties"],
      ["standalone", "w.properties", ["a.json", "b.properties"]],
    ],
    [
      ["demo", "--keep"],
      ["demo", { keep: true }],
    ],
    [["demo"], ["demo", { keep: false }]],
  ])("%j", async (args, call) => {
    expect(await run(...args)).toBe(0);
    expect(calls).toEqual([call]);
  });

  test("ends with the command's own code", async () => {
    expect(await run("worker", "f.properties")).toBe(2);
    expect(calls).toEqual([["worker", "f.properties"]]);
  });

  test("broker export", async () => {
    const args = ["broker", "export", "--from", "a:1", "--to", "b:2"];
    expect(await run(...args)).toBe(3);
    const more = [
      "--from-config",
      "f",
      "--to-config",
      "g",
      "--topics",
      "x, y,",
      "--replication-factor",
      "3",
      "--no-keep-offsets",
    ];
    expect(await run(...args, ...more)).toBe(3);
    expect(calls).toEqual([
      ["export", { from: "a:1", to: "b:2", keepOffsets: true }],
      [
        "export",
        {
          from: "a:1",
          to: "b:2",
          fromConfig: "f",
          toConfig: "g",
          topics: ["x", "y"],
          replicationFactor: 3,
          keepOffsets: false,
        },
      ],
    ]);
  });

  test.each([
    [["broker", "export", "--from", "a:1"], "millrace: required option '--to <HOST:PORT>' not specified\n"],
    [
      ["broker", "export", "--from", "a:0", "--to", "b:2"],
      "millrace: option '--from <HOST:PORT>' argument 'a:0' is invalid. Expected HOST:PORT of a broker, such as 127.0.0.1:9092.\n",
    ],
    [["broker", "export", "--from", "a:1", "--to", "b:2", "--topics", ","], /^millrace: .*Expected names/],
    [["broker", "export", "--from", "a:1", "--to", "b:2", "--replication-factor", "0"], /^millrace: .*from 1 on/],
  ])("%j is refused, with the reason", async (args, line) => {
    expect(await run(...args)).toBe(1);
    expect(written).toMatch(line);
    expect(calls).toEqual([]);
  });

  test.each([
    [["up", "--bogus"], "millrace: unknown option '--bogus'\n"],
    [
      ["up", "--registry-config", "f"],
      "millrace: option '--registry-config <FILE.properties>' is for a registry: add --registry HOST:PORT\n",
    ],
    [["wurker"], "millrace: unknown command 'wurker' (Did you mean worker?)\n"],
    [["worker"], "millrace: missing required argument 'FILE.properties'\n"],
  ])("%j is refused in one line", async (args, line) => {
    expect(await run(...args)).toBe(1);
    expect(written).toBe(line);
    expect(calls).toEqual([]);
  });

  test.each([
    ["nonsense", "Expected HOST:PORT"],
    ["host:", "Expected HOST:PORT"],
    [":80", "Expected HOST:PORT"],
    ["::1:80", "Expected HOST:PORT"],
    ["host:99999", "The port is above 65535."],
  ])("an address like %s is refused", async (address, reason) => {
    expect(await run("up", "--kafka", address)).toBe(1);
    expect(written).toMatch(/^millrace: .*\n$/);
    expect(written).toContain(reason);
  });

  test("prints its version and its help", async () => {
    expect(await run("--version")).toBe(0);
    expect(written).toBe("1.2.3\n");
    expect(await run("up", "--help")).toBe(0);
    expect(written).toContain("--kafka <HOST:PORT>");
  });
});

describe("an error", () => {
  test("sets the exit code by its kind and phase", () => {
    expect(exitCodeOf(new ConfigError("k", "x"), "starting")).toBe(1);
    expect(exitCodeOf(new ConflictError("PORT_IN_USE", "x"), "starting")).toBe(2);
    expect(exitCodeOf(new Error("x"), "running")).toBe(3);
  });

  test("is one line", () => {
    expect(errorLine(new Error("one\n  two"))).toBe("millrace: one two");
    expect(errorLine("text")).toBe("millrace: text");
  });
});
