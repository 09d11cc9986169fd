import { describe, expect, test } from "vitest";
import { refuseInvalid, validateSettings } from "../../../../connectors/postgres/config/config-validation.js";
import { compilePatterns, parseKeyColumns } from "../../../../connectors/postgres/config/patterns.js";
import { parseSettings, splitStatements } from "../../../../connectors/postgres/config/settings.js";
import postgres from "../../../../connectors/postgres/index.js";
import { TableFilter } from "../../../../connectors/postgres/tables/table-filter.js";
import { dataTopic, tableIdentifier } from "../../../../connectors/postgres/tables/topic-name.js";

const MINIMAL = {
  "topic.prefix": "shop",
  "database.hostname": "db.example",
  "database.user": "u",
  "database.password": "secret",
  "database.dbname": "d",
};

function complaints(more: Record<string, string>): Record<string, readonly string[]> {
  const faulty = validateSettings({ ...MINIMAL, ...more }).filter(({ errors }) => errors.length > 0);
  return Object.fromEntries(faulty.map(({ name, errors }) => [name, errors]));
}

describe("validation", () => {
  test("accepts the minimal configuration, and hides the password", () => {
    expect(complaints({})).toEqual({});
    const password = validateSettings(MINIMAL).find(({ name }) => name === "database.password");
    expect(password?.value).toBe("[hidden]");
  });

  test("reports each missing required key in Debezium's words, and marks none as required", () => {
    for (const key of ["topic.prefix", "database.hostname", "database.user", "database.dbname"]) {
      expect(complaints({ [key]: "" })).toEqual({ [key]: [`The '${key}' value is invalid: A value is required`] });
    }
    expect(Object.values(postgres[0]!.connector().config).filter((key) => !("default" in key))).toEqual([]);
  });

  test("wraps each complaint in Debezium's words", () => {
    const wrong: [string, string, RegExp][] = [
      ["database.port", "abc", /^The 'database.port' value is invalid: An integer is expected$/],
      ["tombstones.on.delete", "yes", /: Either 'true' or 'false' is expected$/],
      ["poll.interval.ms", "soon", /: A long value is expected$/],
      ["decimal.handling.mode", "exact", /: Value must be one of precise, double, string$/],
      ["time.precision.mode", "structured", /: Value must be one of adaptive, /],
      ["snapshot.mode", "sometimes", /: Value must be one of /],
      ["snapshot.mode", "custom", /a Java class \(snapshot.mode.custom.name\)/],
      ["snapshot.query.mode", "custom", /a Java class/],
      ["snapshot.locking.mode", "custom", /a Java class/],
      ["snapshot.isolation.mode", "none", /: Value must be one of serializable, /],
      ["snapshot.max.threads", "0", /: A positive, non-zero integer value is expected$/],
      ["snapshot.resume.mode", "always", /: Value must be one of none, chunks/],
      ["slot.name", "Slot-1", /: Valid replication slot name must contain only digits/],
      ["topic.prefix", "a b", /^The 'topic.prefix' value is invalid: a b has invalid format/],
      ["plugin.name", "decoderbufs", /set plugin.name=pgoutput/],
      ["skipped.operations", "none,c", /'none' excludes every other operation/],
      ["skipped.operations", "x", /'x' is not one of/],
      ["max.queue.size", "2048", /Must be larger than the maximum batch size/],
      ["message.key.columns", "nonsense", /has an invalid format/],
      ["table.include.list", "a(", /valid regular expressions/],
      ["topic.delimiter", "#", /: # has invalid format/],
      ["topic.transaction", "a b", /: a b has invalid format/],
      ["heartbeat.interval.ms", "-1", /: An non-negative integer is expected$/],
      ["schema.name.adjustment.mode", "avron", /must be one of none, avro, avro_unicode$/],
      ["field.name.adjustment.mode", "avron", /must be one of none, avro, avro_unicode$/],
      ["topic.naming.strategy", "com.example.Mine", /Java classes are not loaded/],
    ];
    for (const [key, value, text] of wrong)
      expect(complaints({ [key]: value })).toEqual({ [key]: [expect.stringMatching(text)] });
  });

  test("offers the values of keys that have few", () => {
    const offered = new Map(validateSettings(MINIMAL).map(({ name, recommendedValues }) => [name, recommendedValues]));
    expect(offered.get("decimal.handling.mode")).toEqual(["precise", "double", "string"]);
    expect(offered.get("database.hostname")).toEqual([]);
  });

  test("is defined as Debezium defines it, while patterns are read as texts", () => {
    const definition = postgres[0]!.connector().config;
    expect(definition["table.include.list"]).toMatchObject({ type: "list", group: "Events", width: "long" });
    expect(definition["schema.include.list"]).toMatchObject({ dependents: ["table.include.list"] });
    expect(parseSettings({ ...MINIMAL, "table.include.list": "a\\,b" }).filter.tables.include).toHaveLength(1);
  });

  test("judges the keys of a strategy with patterns together", () => {
    const strategy = { "topic.naming.strategy": "io.debezium.schema.SchemaRegexTopicNamingStrategy" };
    expect(Object.keys(complaints(strategy))).toEqual(["topic.regex", "topic.replacement"]);
    expect(complaints({ ...strategy, "topic.regex": "(.*)" })).toEqual({
      "topic.replacement": [
        "The 'topic.replacement' value is invalid: topic.replacement must be non-empty if topic.regex is set.",
      ],
    });
    const keyed = { ...strategy, "topic.regex": "(.*)", "topic.replacement": "$2", "topic.key.field.regex": "(" };
    expect(Object.keys(complaints(keyed))).toEqual(["topic.replacement", "topic.key.field.replacement"]);
    expect(complaints({ "topic.regex": "(" })).toEqual({});
  });

  test("lets a list be included or excluded, not both", () => {
    for (const what of ["schema", "table", "column"]) {
      const exclude = `${what}.exclude.list`;
      expect(complaints({ [`${what}.include.list`]: "a", [exclude]: "b" })).toEqual({
        [exclude]: [`The '${exclude}' value is invalid: "${what}.include.list" is already specified`],
      });
    }
  });

  test("refuses unsupported keys that would change the records, and accepts their harmless values", () => {
    for (const [key, value] of [
      ["converters", "mine"],
      ["openlineage.integration.enabled", "true"],
      ["driver.sslmode", "verify-full"],
      ["driver.targetServerType", "primary"],
      ["post.processors", "reselect"],
      ["database.sslfactory", "com.example.Factory"],
      ["sourceinfo.struct.maker", "com.example.Maker"],
    ] as const) {
      expect(complaints({ [key]: value })[key]).toEqual([
        expect.stringMatching(/is not supported by this connector.*Remove/),
      ]);
    }
    expect(
      complaints({
        "read.only": "true",
        "schema.name.adjustment.mode": "none",
        "snapshot.locking.mode": "none",
        transforms: "x",
      }),
    ).toEqual({});
  });

  test("judges the options of the slot's stream, and the heartbeat's message", () => {
    for (const [params, reason] of [
      ["origin", /name=value/],
      ["a=b=c", /name=value/],
      ["origin=none;binary=true", /'binary' is the connector's own/],
      ["PROTO_VERSION=4", /'PROTO_VERSION' is the connector's own/],
    ] as const)
      expect(complaints({ "slot.stream.params": params })).toEqual({
        "slot.stream.params": [expect.stringMatching(reason)],
      });
    expect(complaints({ "slot.stream.params": " origin = none ; " })).toEqual({});
    expect(parseSettings({ ...MINIMAL, "slot.stream.params": " origin = none ; " }).slotOptions).toEqual([
      ["origin", "none"],
    ]);
    const fault = (more: Record<string, string>) => complaints({ "heartbeat.message.prefix": "p", ...more });
    expect(fault({ "heartbeat.interval.ms": "1000" })).toEqual({});
    expect(fault({})).toEqual({ "heartbeat.message.prefix": [expect.stringMatching(/set heartbeat.interval.ms/)] });
    expect(fault({ "heartbeat.interval.ms": "1000", "read.only": "true" })).toEqual({
      "heartbeat.message.prefix": [expect.stringMatching(/read.only=true forbids/)],
    });
  });

  test("knows where notifications go", () => {
    const fault = (channels: string, more: Record<string, string> = {}) =>
      complaints({ "notification.enabled.channels": channels, ...more });
    expect(fault("log")).toEqual({});
    expect(fault("sink,log", { "notification.sink.topic.name": "notes" })).toEqual({});
    expect(fault("sink")).toEqual({
      "notification.sink.topic.name": [
        "The 'notification.sink.topic.name' value is invalid: Notification topic name must be provided when kafka notification channel is enabled",
      ],
    });
    expect(fault("jmx")).toEqual({ "notification.enabled.channels": [expect.stringMatching(/no JMX.*sink, log/)] });
  });

  test("knows the channels of signals, and what they need", () => {
    const fault = (channels: string, more: Record<string, string> = {}) =>
      complaints({ "signal.enabled.channels": channels, ...more })["signal.enabled.channels"];
    expect(fault("source, FILE")).toBeUndefined();
    expect(fault("kafka", { "signal.kafka.bootstrap.servers": "k:9092" })).toBeUndefined();
    expect(fault("kafka", { "signal.consumer.bootstrap.servers": "k:9092" })).toBeUndefined();
    expect(fault("kafka")).toEqual([expect.stringMatching(/needs signal\.kafka\.bootstrap\.servers/)]);
    expect(fault("source,jmx")).toEqual([expect.stringMatching(/'jmx' cannot be enabled .*no JMX.*kafka or the file/)]);
    expect(fault("sourcce")).toEqual([expect.stringMatching(/'sourcce' .*source, kafka, file/)]);
    const { signalKafka } = parseSettings({
      ...MINIMAL,
      "signal.enabled.channels": "kafka",
      "signal.kafka.bootstrap.servers": "k:9092",
      "signal.consumer.security.protocol": "SSL",
    });
    expect(signalKafka).toEqual({
      topic: "shop-signal",
      properties: {
        "group.id": "kafka-signal",
        "bootstrap.servers": "k:9092",
        "auto.offset.reset": "earliest",
        "security.protocol": "SSL",
      },
      pollTimeoutMs: 0,
    });
  });

  test("accepts rules for columns, and refuses what only resembles one", () => {
    for (const key of [
      "column.truncate.to.5.chars",
      "column.mask.with.0.chars",
      "column.mask.hash.SHA-256.with.salt.a.b",
      "column.mask.hash.v2.SHA-512/256.with.salt.abc",
      "column.propagate.source.type",
      "datatype.propagate.source.type",
    ])
      expect([key, complaints({ [key]: "public.t.secret" })]).toEqual([key, {}]);
    for (const [key, value, reason] of [
      ["column.mask.with.12.char", "public.t.secret", /is no rule for columns: expected column.truncate/],
      ["column.mask.hash.SHA-257.with.salt.x", "public.t.secret", /names a hash that is not available/],
      ["column.mask.with.3.chars", "(", /column.mask.with.3.chars/],
    ] as const)
      expect(complaints({ [key]: value })).toEqual({ [key]: [expect.stringMatching(reason)] });
  });

  test("at a task's start throws a ConfigError for the first key", () => {
    expect(() => refuseInvalid({ ...MINIMAL, "slot.name": "UPPER" })).toThrow(
      expect.objectContaining({ key: "slot.name" }),
    );
  });
});

describe("lists of patterns", () => {
  test("are split at unescaped commas, and match whole names, ignoring case", () => {
    const [first, second] = compilePatterns("table.include.list", " public\\.a.* , b{1\\,2} ,, ")!;
    expect([first!.matches("PUBLIC.abc"), first!.matches("public.ab\nc"), first!.matches("xpublic.a")]).toEqual([
      true,
      false,
      false,
    ]);
    expect([second!.matches("bb"), second!.matches("bbb")]).toEqual([true, false]);
    expect(compilePatterns("table.include.list", "  ")).toBeNull();
  });

  test("follow Java's syntax", () => {
    const lists: [string, string, string][] = [
      ["\\Qpublic.a.ssn\\E", "public.a.ssn", "publicxa.ssn"],
      ["\\Qpublic.a\\E,\\Qpublic.b\\E", "PUBLIC.B", "publicxb"],
      ["public\\.\\p{Alpha}++", "public.a", "public.p{Alpha}"],
      ["public\\.[a-z&&[^x]]", "public.a", "public.x"],
      ["(?i)public\\.A", "public.a", "public.b"],
      // Java ignores the case of ASCII letters only.
      ["public\\.\u00e9k", "public.\u00e9K", "public.\u00c9k"],
    ];
    for (const [list, matching, other] of lists) {
      const patterns = compilePatterns("table.include.list", list)!;
      expect([list, ...[matching, other].map((name) => patterns.some((pattern) => pattern.matches(name)))]).toEqual([
        list,
        true,
        false,
      ]);
    }
  });

  test("that are invalid in Java or not supported are refused under their key", () => {
    for (const key of [
      ...["schema", "table", "column", "message.prefix"].flatMap((what) => [
        `${what}.include.list`,
        `${what}.exclude.list`,
      ]),
      "snapshot.include.collection.list",
    ])
      for (const value of ["*.password", "a,b(", "\\p{javaUpperCase}", "(a)\\1", "(?x)a b"]) {
        expect(complaints({ [key]: value })).toEqual({
          [key]: [expect.stringMatching(/valid regular expressions is expected, but /)],
        });
        expect(() => parseSettings({ ...MINIMAL, [key]: value })).toThrow(expect.objectContaining({ key }));
      }
    expect(complaints({ "message.key.columns": "*.t:id" })).toEqual({
      "message.key.columns": ["The 'message.key.columns' value is invalid: * has nothing to repeat"],
    });
  });

  test("in message.key.columns match table and column together", () => {
    const [rule] = parseKeyColumns("\\Qpublic.t\\E:id,code");
    expect(rule!.columns.map((column) => [column.matches("public.t.id"), column.matches("public.t.code")])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  test("select tables and columns", () => {
    const filter = new TableFilter(
      parseSettings({ ...MINIMAL, "schema.exclude.list": "private", "column.exclude.list": ".*\\.secret" }),
    );
    expect(filter.capturesTable("public", "t")).toBe(true);
    expect(filter.capturesTable("private", "t")).toBe(false);
    expect(filter.capturesTable("pg_catalog", "pg_class")).toBe(false);
    expect(filter.capturesTable("public", "spatial_ref_sys")).toBe(false);
    expect([filter.keepsColumn("public", "t", "secret"), filter.keepsColumn("public", "t", "open")]).toEqual([
      false,
      true,
    ]);
  });
});

test("initial statements are split at single semicolons", () => {
  expect(splitStatements("SET a=1; SELECT ';;' ;")).toEqual(["SET a=1", "SELECT ';'"]);
});

describe("topic names", () => {
  const naming = (props: Record<string, string> = {}) =>
    parseSettings({ ...MINIMAL, "topic.prefix": "shop", ...props }).topics;
  const strategy = (name: string) => ({ "topic.naming.strategy": `io.debezium.schema.${name}TopicNamingStrategy` });

  test("contain only characters that Kafka allows", () => {
    expect(dataTopic(naming(), "s1", "dbz_878_some|test@data")).toBe("shop.s1.dbz_878_some_test_data");
    expect(dataTopic(naming(), "public", "日本")).toBe("shop.public.__");
    expect(dataTopic(naming(), "public", "x".repeat(300))).toHaveLength(249);
  });

  test("follow the strategy", () => {
    expect(dataTopic(naming(strategy("Default")), "public", "a$b")).toBe("shop.a_b");
    expect(dataTopic(naming(strategy("SchemaUnicode")), "public", "a$b_日")).toBe("shop.public.a_u0024b_u005f_u65e5");
    expect(dataTopic(naming({ "topic.delimiter": "-" }), "public", "a")).toBe("shop-public-a");
    const regex = naming({ ...strategy("SchemaRegex"), "topic.regex": "(.*)_\\d", "topic.replacement": "$1_all" });
    expect(dataTopic(regex, "public", "a_1")).toBe("shop.public.a_all");
    expect(dataTopic(regex, "public", "b")).toBe("shop.public.b");
    expect(regex.keyField?.name).toBe("__dbz__physicalTableIdentifier");
    expect(tableIdentifier(regex, "public", "a_1")).toBe("shop.public.a_1");
    const keyed = naming({
      ...strategy("DefaultRegex"),
      ...{ "topic.regex": "x", "topic.replacement": "y", "topic.key.field.regex": ".*_(\\d)" },
      "topic.key.field.replacement": "no $1",
    });
    expect(tableIdentifier(keyed, "public", "a_1")).toBe("no 1");
  });
});

test("an Avro converter in the connector's configuration adjusts the names of fields", () => {
  const modeOf = (props: Record<string, string>) => parseSettings({ ...MINIMAL, ...props }).fieldNames;
  expect([
    modeOf({}),
    modeOf({ "value.converter": "io.confluent.connect.avro.AvroConverter" }),
    modeOf({ "key.converter": "io.apicurio.registry.utils.converter.AvroConverter" }),
    modeOf({ "field.name.adjustment.mode": "AVRO_UNICODE" }),
  ]).toEqual(["none", "avro", "avro", "avro_unicode"]);
});
