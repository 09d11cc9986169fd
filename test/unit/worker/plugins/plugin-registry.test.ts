import { describe, expect, test } from "vitest";
import { type ConnectorPlugin, type Converter, NotFoundError } from "../../../../src/api/index.js";
import { NamedPlugins } from "../../../../src/worker/plugins/named-plugins.js";
import { PluginRegistry } from "../../../../src/worker/plugins/plugin-registry.js";
import { chooseConverters } from "../../../../src/worker/task/task-converters.js";
import { textConverters } from "../source-harness.js";

const connector = (className: string, type: "source" | "sink" = "source") =>
  ({ className, type, version: "1.0", taskClassName: `${className}Task` }) as ConnectorPlugin;

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
  const registry = new PluginRegistry(
    [
      connector("a.FileStreamSinkConnector", "sink"),
      connector("a.FileStreamSourceConnector"),
      connector("a.Dup"),
      connector("b.Dup"),
    ],
    [converter()],
  );

  test("finds by class, simple name and alias; an alias of two classes finds none", () => {
    for (const name of ["a.FileStreamSourceConnector", "FileStreamSourceConnector", "FileStreamSource"])
      expect(registry.connector(name).className).toBe("a.FileStreamSourceConnector");
    expect(registry.connector("b.Dup").className).toBe("b.Dup");
    expect(() => registry.connector("Dup")).toThrow(NotFoundError);
    expect(registry.converter("JsonConverter")).toBeDefined();
    expect(registry.headerConverter("Json")).toBeDefined();
  });

  test("lists the available classes when one is unknown", () => {
    expect(() => registry.connector("Oops")).toThrow(
      /Oops.*a\.Dup, a\.FileStreamSinkConnector, a\.FileStreamSourceConnector, b\.Dup/,
    );
  });

  test("lists by type, then class", () => {
    expect(
      new NamedPlugins(registry.facts())
        .list()
        .map(({ type, class: name }) => `${type} ${name.slice(name.lastIndexOf(".") + 1)}`),
    ).toEqual([
      "source Dup",
      "source FileStreamSourceConnector",
      "source Dup",
      "sink FileStreamSinkConnector",
      "converter JsonConverter",
      "header_converter JsonConverter",
    ]);
  });

  test("a connector's converter is configured by its own keys, the worker's by the worker's; they do not mix", () => {
    const configured: Record<string, unknown>[] = [];
    const plugins = new PluginRegistry([], [converter(configured)]);
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
});
