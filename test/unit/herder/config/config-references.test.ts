import { describe, expect, test } from "vitest";
import type { ConfigProviderPlugin } from "../../../../src/api/index.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { closeConfigProviders, loadConfigProviders } from "../../../../src/herder/config/config-providers.js";
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
  const load = (props: Record<string, string>, env = {}, plugins: readonly ConfigProviderPlugin[] = []) =>
    loadConfigProviders(props, { env, logger: silentLogger, plugins: async () => plugins });

  test("read the environment variables that the pattern allows", async () => {
    const providers = await load(
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

  test("accept Java's patterns, and refuse others by key", async () => {
    const provider = (pattern: string) => ({
      "config.providers": "env",
      "config.providers.env.class": `${PACKAGE}EnvVarConfigProvider`,
      "config.providers.env.param.allowlist.pattern": pattern,
    });
    const env = { DB_USER: "me", DBXUSER: "you", QDB_USERE: "who" };
    const names = async (pattern: string) => {
      const values = (await load(provider(pattern), env)).get("env")!.get("") as ReadonlyMap<string, string>;
      return [...values.keys()];
    };
    expect([await names("\\QDB_USER\\E"), await names("[A-Z&&[^X]]++")]).toEqual([["DB_USER"], []]);
    for (const pattern of ["*", "\\p{javaUpperCase}+"])
      await expect(load(provider(pattern))).rejects.toThrow(
        expect.objectContaining({ key: "config.providers.env.param.allowlist.pattern" }),
      );
  });

  const VAULT = { "config.providers": "v", "config.providers.v.class": "com.example.Vault" };

  test("are refused by key when they do not exist", async () => {
    await expect(load({ "config.providers": "v" })).rejects.toThrow(/"config.providers.v.class"/);
    await expect(load(VAULT)).rejects.toThrow(
      /Invalid value com.example.Vault for configuration config.providers.v.class/,
    );
  });

  test("may be plugins: configured with their parameters, asked by path, closed", async () => {
    const calls: unknown[] = [];
    const provider = {
      configure: async (props: unknown) => calls.push(props),
      get: (path: string) => new Map([["password", `secret of ${path}`]]),
      close: () => calls.push("closed"),
    };
    const plugin = { className: "com.example.Vault", version: "1", configProvider: () => provider };
    const props = { ...VAULT, "config.providers.v.param.url": "https://vault", "config.providers.w.param.url": "no" };
    const providers = await load(props, {}, [plugin as unknown as ConfigProviderPlugin]);
    expect(resolveReferences({ a: ref("v:db:password"), b: ref("v:db:user") }, providers)).toEqual({
      a: "secret of db",
      b: ref("v:db:user"),
    });
    closeConfigProviders(providers, silentLogger);
    expect(calls).toEqual([{ url: "https://vault" }, "closed"]);
  });

  test("that are plugins and fail are errors of the configuration that refers to them", async () => {
    const get = (path: string) => {
      if (path === "down") throw new Error("sealed");
      if (path === "nothing") return undefined;
      return Promise.reject(new Error("token abc was refused"));
    };
    const plugin = { className: "com.example.Vault", version: "1", configProvider: () => ({ configure() {}, get }) };
    const providers = await load(VAULT, {}, [plugin as unknown as ConfigProviderPlugin]);
    const read = (path: string) => () => resolveReferences({ a: ref(`v:${path}:x`) }, providers);
    expect(read("down")).toThrow("The config provider v could not read down: sealed");
    expect(read("nothing")).toThrow("com.example.Vault returned no Map");
    // Vitest fails a run with unhandled rejections: nobody else awaits this one.
    expect(read("later")).toThrow(
      "could not read later: com.example.Vault returned a promise: get must answer at once",
    );
  });

  test("that are plugins and fetch values only once they are asked are told so, wherever the promise is", async () => {
    const refused = () => Promise.reject(new Error("token abc was refused"));
    const answers: Record<string, unknown> = {
      data: { data: refused() },
      ttl: { data: new Map([["x", "ok"]]), ttlMs: refused() },
      // One that nothing refers to, too: Vitest fails a run with unhandled rejections.
      values: new Map<string, unknown>([
        ["x", refused()],
        ["y", refused()],
      ]),
    };
    const get = (path: string) => answers[path];
    const plugin = { className: "com.example.Vault", version: "1", configProvider: () => ({ configure() {}, get }) };
    const providers = await load(VAULT, {}, [plugin as unknown as ConfigProviderPlugin]);
    const read = (path: string) => () => resolveReferences({ a: ref(`v:${path}:x`) }, providers);
    expect(read("data")).toThrow("could not read data: com.example.Vault returned a promise: get must answer at once");
    expect(read("ttl")).toThrow("could not read ttl: com.example.Vault returned a ttlMs that is no number");
    expect(read("values")).toThrow(`The config provider v gave a promise for ${ref("v:values:x")}`);
  });

  test("that are plugins and give something other than texts are refused, naming the reference", async () => {
    const values = new Map<string, unknown>([
      ["number", 7],
      ["null", null],
      ["text", "ok"],
    ]);
    const plugin = {
      className: "com.example.Vault",
      version: "1",
      configProvider: () => ({ configure() {}, get: () => values }),
    };
    const providers = await load(VAULT, {}, [plugin as unknown as ConfigProviderPlugin]);
    const read = (key: string) => () => resolveReferences({ a: ref(`v:db:${key}`) }, providers);
    expect(read("number")).toThrow(`The config provider v gave a number for ${ref("v:db:number")}`);
    expect(read("null")).toThrow(`gave null for ${ref("v:db:null")}`);
    expect(read("text")()).toEqual({ a: "ok" });
  });

  test("that are plugins may say how long their values are valid", async () => {
    const get = (path: string) => {
      if (path === "bad") return { data: new Map(), ttlMs: "soon" };
      return path === "ever" ? new Map([["k", "v"]]) : { data: new Map([["k", "v"]]), ttlMs: Number(path) };
    };
    const plugin = { className: "com.example.Vault", version: "1", configProvider: () => ({ configure() {}, get }) };
    const providers = await load(VAULT, {}, [plugin as unknown as ConfigProviderPlugin]);
    const ttls: number[] = [];
    const props = { a: ref("v:5000:k"), b: ref("v:100:k"), c: ref("v:ever:k"), d: ref("v:100:absent") };
    const resolved = resolveReferences(props, providers, undefined, (ttlMs) => ttls.push(ttlMs));
    expect([resolved, ttls]).toEqual([{ a: "v", b: "v", c: "v", d: ref("v:100:absent") }, [5000, 100]]);
    expect(() => resolveReferences({ a: ref("v:bad:k") }, providers)).toThrow(/could not read bad: .* no number/);
  });

  test("that were opened are closed when a later one does not start", async () => {
    const closed: string[] = [];
    const plugin = (className: string, configure: () => void) => ({
      className,
      version: "1",
      configProvider: () => ({ configure, get: () => new Map<string, string>(), close: () => closed.push(className) }),
    });
    const refuse = () => {
      throw new Error("no token");
    };
    const props = { "config.providers": "a,b", "config.providers.a.class": "A", "config.providers.b.class": "B" };
    const plugins = [plugin("A", () => {}), plugin("B", refuse)] as unknown as ConfigProviderPlugin[];
    await expect(load(props, {}, plugins)).rejects.toThrow("no token");
    expect(closed).toEqual(["A"]);
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
