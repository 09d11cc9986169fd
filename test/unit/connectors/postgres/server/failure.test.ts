import { describe, expect, test } from "vitest";
import { judgeFailure } from "../../../../../connectors/postgres/server/failure.js";
import { ServerError } from "../../../../../connectors/postgres/server/server-error.js";
import { defaultText } from "../../../../../connectors/postgres/types/column-default.js";
import { formatLsn, isIdleConfirmation, type Lsn, parseLsn } from "../../../../../connectors/postgres/wal/lsn.js";
import { ConfigError } from "../../../../../src/api/index.js";

const scene = { host: "db", port: 5432, user: "cdc", database: "shop", slotName: "s", publicationName: "p" };
const judge = (code: string, message = "words of the server") =>
  judgeFailure(new ServerError("ERROR", code, message, undefined, undefined), scene);

describe("a failure", () => {
  test("of the network, of a restarting or full server, or of a slot in use is retried", () => {
    for (const code of [
      "ECONNREFUSED",
      "ECONNRESET",
      "ETIMEDOUT",
      "ENOTFOUND",
      "EAI_AGAIN",
      "EPIPE",
      "ERR_STREAM_DESTROYED",
    ])
      expect(judgeFailure(Object.assign(new Error("x"), { code }), scene)).toMatchObject({
        kind: "retry",
        isSlotInUse: false,
      });
    expect(judgeFailure(new Error("Connection terminated unexpectedly"), scene)).toMatchObject({ kind: "retry" });
    for (const code of ["57P01", "57P02", "57P03", "53300", "08006", "40001"])
      expect(judge(code)).toEqual({ kind: "retry", cause: "words of the server", isSlotInUse: false });
    expect(judge("55006")).toMatchObject({ kind: "retry", isSlotInUse: true });
  });

  test("that needs a person names the key or object, and the remedy", () => {
    const fatal: [string, string, RegExp][] = [
      ["28P01", "password authentication failed", /database.password/],
      ["3D000", 'database "shop" does not exist', /Check database.dbname/],
      [
        "42501",
        "permission denied for table t",
        /role cdc lacks a right: permission denied for table t.*USAGE on the schemas and SELECT on the captured tables/,
      ],
      ["42704", "kein solches Objekt", /answered 42704: kein solches Objekt/],
      ["53400", "alle Replikations-Slots werden verwendet", /max_replication_slots/],
      ["XX000", "cache lookup failed", /answered XX000/],
    ];
    for (const [code, message, text] of fatal) {
      const failure = judge(code, message);
      if (failure.kind !== "fatal") throw new Error(`${code} is retried`);
      expect(failure.error.message).toMatch(text);
      expect(failure.error.cause).toBeInstanceOf(ServerError);
    }
  });

  test("of a login method the client does not support is fatal", () => {
    for (const message of [
      "SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature does not match",
      "Unknown authenticationOk message type 7",
    ])
      expect(judgeFailure(new Error(message), scene)).toMatchObject({
        kind: "fatal",
        error: { key: "database.password", message: expect.stringContaining(`as cdc: ${message}. Check`) },
      });
  });

  test("of TLS names the TLS keys", () => {
    for (const code of [
      "CERT_HAS_EXPIRED",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "ERR_OSSL_PEM_NO_START_LINE",
    ]) {
      const failure = judgeFailure(Object.assign(new Error("words of TLS"), { code }), scene);
      if (failure.kind !== "fatal") throw new Error(`${code} is retried`);
      expect(failure.error).toMatchObject({ key: "database.sslmode" });
      expect(failure.error.message).toMatch(
        /No TLS connection to Postgres at db:5432: words of TLS. Check database.ssl/,
      );
    }
  });

  test("that is already one of Millrace's errors, or a bug, is passed on unchanged", () => {
    for (const error of [new ConfigError("slot.name", "x"), new TypeError("a fault of ours")])
      expect(judgeFailure(error, scene)).toEqual({ kind: "fatal", error });
  });
});

test("an LSN is read and printed in Postgres's form", () => {
  expect(parseLsn("16/B374D848")).toBe(0x16 * 2 ** 32 + 0xb374d848);
  expect(formatLsn(parseLsn("16/B374D848"))).toBe("16/B374D848");
  expect(formatLsn(parseLsn("0/0"))).toBe("0/0");
  for (const text of ["", "16", "16/", "16/G", "FFFFFFFF/FFFFFFFF"])
    expect(() => parseLsn(text)).toThrow(/Expected an LSN/);
  expect([isIdleConfirmation(1023 as Lsn), isIdleConfirmation(1024 as Lsn)]).toEqual([true, false]);
});

test("a default is a constant, a replacement for a computed one, or none", () => {
  const type = (name: string, kind = "b") => ({ name, kind, typmod: -1, labels: [], element: null, isDomain: false });
  const cases: [string | null, string, string | undefined][] = [
    [null, "int4", undefined],
    ["5", "int4", "5"],
    ["'-5'::integer", "int4", "-5"],
    ["(-5)", "int4", "-5"],
    ["1 + 2", "int4", undefined],
    ["nextval('t_id_seq'::regclass)", "int4", "0"],
    ["'it''s'::text", "text", "it's"],
    ["('a'::text || 'b'::text)", "text", undefined],
    ["'a'::bpchar", "bpchar", "a"],
    ["E'back\\\\slash'::text", "text", "back\\slash"],
    ["NULL::character varying", "varchar", undefined],
    ["true", "bool", "t"],
    ["1.50", "numeric", "1.50"],
    ["now()", "timestamptz", "1970-01-01 00:00:00+00"],
    ["CURRENT_DATE", "date", "1970-01-01"],
    ["(now() AT TIME ZONE 'utc'::text)", "timestamp", "1970-01-01 00:00:00"],
    ["gen_random_uuid()", "uuid", "00000000-0000-0000-0000-000000000000"],
    ["'$1.00'::money", "money", undefined],
  ];
  for (const [expression, name, text] of cases)
    expect([expression, defaultText(expression, type(name))]).toEqual([expression, text]);
  expect(defaultText("'ok'::mood", type("mood", "e"))).toBe("ok");
});
