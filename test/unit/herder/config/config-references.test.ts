import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/logger.js";
import { loadConfigProviders } from "../../../../src/herder/config/config-providers.js";
import { hasReference, resolveReferences, restoreReferences } from "../../../../src/herder/config/config-references.js";
import { judgeTaskConfigs } from "../../../../src/herder/membership/task-configs-plan.js";
import { configRecord } from "../../../../src/stores/config-records.js";
import type { StoreRecord } from "../../../../src/stores/log-transport.js";
import { configsOf, connectorRecords } from "../configs.js";

/** A reference, in users' notation. */
const ref = (inside: string) => `\${${inside}}`;
const PACKAGE = "org.apache.kafka.common.config.provider.";
const vault = new Map([["vault", { get: (path: string) => new Map([["password", `secret of ${path}`]]) }]]);

describe("config references", () => {
  test("are replaced by the provider's values, several in one value", () => {
    const props = { a: `x${ref("vault:db:password")}y${ref("vault:mail:password")}`, b: "plain", c: null };
    expect(resolveReferences(props, vault)).toEqual({ a: "xsecret of dby" + "secret of mail", b: "plain", c: null });
  });

  test("stay when no provider knows them", () => {
    const props = { a: ref("other:db:password"), b: ref("vault:db:user"), c: ref("not a reference") };
    expect(resolveReferences(props, vault)).toEqual(props);
  });

  test("keep a key __proto__", () => {
    const props = JSON.parse('{"__proto__":"plain","a":"b"}');
    expect(Object.entries(resolveReferences(props, vault))).toEqual(Object.entries(props));
  });

  test("are restored in task configs, so that no secret is published", () => {
    const config = { password: ref("vault:db:password"), user: "me" };
    const generated = { password: "secret of db", user: "me", "task.id": "0" };
    expect(restoreReferences(generated, config)).toEqual({ ...generated, password: ref("vault:db:password") });
    expect([hasReference(ref("vault:db:password")), hasReference("$vault"), hasReference(null)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("config providers", () => {
  const load = (props: Record<string, string>, env = {}) => loadConfigProviders(props, { env, logger: silentLogger });

  test("read the environment variables that the pattern allows", () => {
    const providers = load(
      {
        "config.providers": "env",
        "config.providers.env.class": `${PACKAGE}EnvVarConfigProvider`,
        "config.providers.env.param.allowlist.pattern": "DB_.*",
      },
      { DB_USER: "me", HOME: "/root" },
    );
    const props = { user: ref("env:DB_USER"), home: ref("env:HOME") };
    expect(resolveReferences(props, providers)).toEqual({ user: "me", home: ref("env:HOME") });
    expect(() => resolveReferences({ a: ref("env:path:DB_USER") }, providers)).toThrow(/has no path/);
  });

  test("accept Java's patterns, and refuse others by key", () => {
    const provider = (pattern: string) => ({
      "config.providers": "env",
      "config.providers.env.class": `${PACKAGE}EnvVarConfigProvider`,
      "config.providers.env.param.allowlist.pattern": pattern,
    });
    const env = { DB_USER: "me", DBXUSER: "you", QDB_USERE: "who" };
    const names = (pattern: string) => [...load(provider(pattern), env).get("env")!.get("").keys()];
    expect([names("\\QDB_USER\\E"), names("[A-Z&&[^X]]++")]).toEqual([["DB_USER"], []]);
    for (const pattern of ["*", "\\p{javaUpperCase}+"])
      expect(() => load(provider(pattern))).toThrow(
        expect.objectContaining({ key: "config.providers.env.param.allowlist.pattern" }),
      );
  });

  test("are refused by key when they do not exist", () => {
    expect(() => load({ "config.providers": "v" })).toThrow(/"config.providers.v.class"/);
    expect(() => load({ "config.providers": "v", "config.providers.v.class": "com.example.Vault" })).toThrow(
      /Invalid value com.example.Vault for configuration config.providers.v.class/,
    );
  });
});

describe("new task configs", () => {
  const base = connectorRecords("c", 1);
  const entry = (...more: readonly StoreRecord[]) => configsOf(...base, ...more).connectors.get("c")!;

  test("are published when their number or content differs", () => {
    expect(judgeTaskConfigs(entry(), [{ task: "0" }])).toBe("unchanged");
    expect(judgeTaskConfigs(entry(), [{ task: "1" }])).toBe("publish");
    expect(judgeTaskConfigs(entry(), [{ task: "0" }, { task: "1" }])).toBe("publish");
    expect(judgeTaskConfigs(entry(), [])).toBe("publish");
  });

  test("are published when the connector's config has changed, though they have not", () => {
    const changed = configRecord.connector("c", { name: "c", "connector.class": "X", "value.converter": "Y" });
    expect(judgeTaskConfigs(entry(changed), [{ task: "0" }])).toBe("publish");
  });

  test("are published when the same config was written again: compaction must leave a commit after it", () => {
    const same = configRecord.connector("c", { "connector.class": "X", name: "c" });
    expect(judgeTaskConfigs(entry(same), [{ task: "0" }])).toBe("publish");
    const repeated = [same, ...base.slice(1)];
    expect(judgeTaskConfigs(entry(...repeated), [{ task: "0" }])).toBe("unchanged");
    const compacted = configsOf(...repeated).connectors.get("c")!;
    expect(compacted.taskConfigs).toEqual([{ task: "0" }]);
  });

  test("are published after an incomplete commit, and the first time even if there are none", () => {
    expect(judgeTaskConfigs(entry(configRecord.commit("c", 2)), [])).toBe("publish");
    const fresh = configsOf(configRecord.connector("c", {})).connectors.get("c")!;
    expect(judgeTaskConfigs(fresh, [])).toBe("publish");
  });
});
