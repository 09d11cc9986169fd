import { describe, expect, test } from "vitest";
import {
  type ConnectorPlugin,
  type Converter,
  NotFoundError,
  type Predicate,
  type Transformation,
} from "../../../../src/api/index.js";
import { NamedPlugins } from "../../../../src/worker/plugins/named-plugins.js";
import { type Plugin, PluginRegistry } from "../../../../src/worker/plugins/plugin-registry.js";
import { chooseConverters } from "../../../../src/worker/task/task-converters.js";
import type { PluginChoice } from "../../../../src/worker/worker.js";
import { registryOf, textConverters } from "../source-harness.js";

const connector = (className: string, type: "source" | "sink" = "source") =>
  ({
    className,
    type,
    version: "1.0",
    taskClassName: `${className}Task`,
    connector() {},
    task() {},
  }) as object as ConnectorPlugin;

const converter = (configured: Record<string, unknown>[] = []) => ({
  className: "org.apache.kafka.connect.json.JsonConverter",
  version: "4.3.1",
  converter: (): Converter => ({
    ...textConverters().key,
    configure: (props, isKey) => configured.push({ ...props, isKey }),
  }),
  headerConverter: () => textConverters().header,
});

describe("the plugin registry", () => {
  const registry = registryOf(
    connector("a.FileStreamSourceConnector"),
    connector("a.FileStreamSinkConnector", "sink"),
    connector("a.Dup"),
    connector("b.Dup"),
    converter(),
    { className: "a.IsOddPredicate", version: "3", predicate: () => ({}) as Predicate },
    { className: "a.Cut$Key", version: "3", transformation: () => ({}) as Transformation },
    { className: "a.Cut$Value", version: "3", transformation: () => ({}) as Transformation },
    { className: "a.Sew$Value", version: "3", transformation: () => ({}) as Transformation },
  );

  test("Kafka's class keeps an alias that others share", () => {
    const predicate = (className: string) => ({ className, version: "1", predicate: () => ({}) as Predicate });
    const [kafkas, other, third] = ["org.apache.kafka.Odd", "a.Odd", "b.Odd"].map(predicate);
    for (const all of [
      [kafkas!, other!, third!],
      [other!, third!, kafkas!],
      [other!, kafkas!, third!],
    ])
      expect(registryOf(...all).find("predicate", "Odd").className).toBe("org.apache.kafka.Odd");
    expect(() => registryOf(other!, third!).find("predicate", "Odd")).toThrow(NotFoundError);
  });

  test("finds by class, simple name and alias; an alias of two classes finds none", () => {
    for (const name of ["a.FileStreamSourceConnector", "FileStreamSourceConnector", "FileStreamSource"])
      expect(registry.find("connector", name).className).toBe("a.FileStreamSourceConnector");
    expect(registry.find("connector", "b.Dup").className).toBe("b.Dup");
    expect(() => registry.find("connector", "Dup")).toThrow(NotFoundError);
    expect(registry.find("converter", "JsonConverter")).toBeDefined();
    expect(registry.find("header_converter", "Json")).toBeDefined();
    expect(registry.find("predicate", "IsOdd").className).toBe("a.IsOddPredicate");
    expect(registry.find("transformation", "Key").className).toBe("a.Cut$Key");
    expect(() => registry.find("transformation", "Value")).toThrow(NotFoundError);
    expect(() => registry.find("transformation", "IsOdd")).toThrow(NotFoundError);
  });

  test("lists the available classes when one is unknown", () => {
    expect(() => registry.find("connector", "Oops")).toThrow(
      /Oops.*a\.Dup, a\.FileStreamSinkConnector, a\.FileStreamSourceConnector, b\.Dup/,
    );
  });

  test("lists by type in Kafka Connect's order, then by class", () => {
    expect(
      new NamedPlugins(registry.facts())
        .list()
        .map(({ type, class: name }) => `${type} ${name.slice(name.lastIndexOf(".") + 1)}`),
    ).toEqual([
      "sink FileStreamSinkConnector",
      "source Dup",
      "source FileStreamSourceConnector",
      "source Dup",
      "transformation Cut$Key",
      "transformation Cut$Value",
      "transformation Sew$Value",
      "predicate IsOddPredicate",
      "converter JsonConverter",
      "header_converter JsonConverter",
    ]);
  });

  test("a connector's converter is configured by its own keys, the worker's by the worker's; they do not mix", () => {
    const configured: Record<string, unknown>[] = [];
    const plugins = registryOf(converter(configured));
    const worker = {
      "key.converter": "JsonConverter",
      "key.converter.schemas.enable": "true",
      "value.converter": "JsonConverter",
      "value.converter.schemas.enable": "true",
      "header.converter": "JsonConverter",
    };
    chooseConverters(plugins, worker, {
      "value.converter": "Json",
      "value.converter.decimal.format": "NUMERIC",
      "key.converter.schemas.enable": "false",
    });
    expect(configured).toEqual([
      { "schemas.enable": "true", "converter.type": "key", isKey: true },
      { "decimal.format": "NUMERIC", "converter.type": "value", isKey: false },
    ]);
    expect(() => chooseConverters(plugins, {}, {})).toThrow("key.converter");
  });

  describe("with a class in several versions", () => {
    const of = (version: string): Plugin => ({ ...converter(), version });
    const versioned = new PluginRegistry(
      new Map<string, Plugin[]>([
        ["built-in", [of("1.9")]],
        ["x", [of("1.10"), { ...connector("x.XSource"), version: "5" } as Plugin]],
        ["y", [{ ...of("1.9"), taskClassName: "hidden" } as Plugin, of("1.10-rc1")]],
      ]),
    );
    const { catalog } = versioned;
    const version = (choice?: PluginChoice) => catalog.find("converter", "Json", choice).version;

    test("takes the newest, the one in the connector's package, or the newest in a range", () => {
      expect(version()).toBe("1.10");
      expect(version({ version: "latest", near: "y" })).toBe("1.10-rc1");
      expect(version({ near: "elsewhere" })).toBe("1.10");
      expect(version({ version: "[1.0,1.10)" })).toBe("1.10-rc1");
      expect(version({ version: "1.9", near: "y" })).toBe("1.9");
      expect(catalog.find("converter", "Json", { version: "1.9" }).location).toBe("built-in");
      expect(versioned.find("converter", "Json", { version: "1.9" }).version).toBe("1.9");
      expect(catalog.versions("converter", "JsonConverter")).toEqual(["1.9", "1.10-rc1", "1.10"]);
      expect(catalog.versions("converter", "Oops")).toEqual([]);
    });

    test("lists every version", () => {
      expect(catalog.list().map(({ type, version }) => `${type} ${version}`)).toEqual([
        "source 5",
        ...["1.9", "1.10-rc1", "1.10"].map((each) => `converter ${each}`),
        ...["1.9", "1.10-rc1", "1.10"].map((each) => `header_converter ${each}`),
      ]);
    });

    test("names the available versions when none matches", () => {
      expect(() => version({ version: "[2,)" })).toThrow(
        expect.objectContaining({
          code: "PLUGIN_VERSION_NOT_FOUND",
          message:
            "Plugin org.apache.kafka.connect.json.JsonConverter not found that matches the version range [2,), available versions: [1.9, 1.10-rc1, 1.10]",
        }),
      );
    });
  });
});
