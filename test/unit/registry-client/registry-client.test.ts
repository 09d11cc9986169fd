import { expect, test } from "vitest";
import { errorKind } from "../../../src/api/index.js";
import { SimClock } from "../../../src/base/clock.js";
import { SeededRandom } from "../../../src/base/random.js";
import { RegistryClient } from "../../../src/registry-client/registry-client.js";
import { parseRegistrySettings } from "../../../src/registry-client/registry-settings.js";
import { RegistryHttp } from "../../support/registry-http.js";

const TWO = { "schema.registry.url": "http://one:8081/sr/,http://two:8081" };

function open(registry: RegistryHttp, props: Record<string, string> = TWO) {
  const clock = new SimClock();
  const client = new RegistryClient(parseRegistrySettings(props), {
    http: registry,
    clock,
    random: new SeededRandom(1),
  });
  /** Awaits `work`, and lets time pass meanwhile. */
  const settle = async <T>(work: Promise<T>): Promise<T | (Error & { code?: string })> => {
    let over = false;
    const settled = work
      .catch((error: Error) => error)
      .finally(() => {
        over = true;
      });
    while (!over) {
      await clock.settled();
      await clock.advance(30_000);
    }
    return settled;
  };
  return { client, settle, clock };
}

function hosts(registry: RegistryHttp): string[] {
  return registry.sent.map(({ url }) => url.hostname);
}

test("an instance that does not answer is tried again, then the next one, which stays", async () => {
  const registry = await RegistryHttp.open();
  await registry.register("s", '"int"');
  await registry.register("s", '"long"');
  registry.failures.push(new Error("connect ECONNREFUSED"), 503, 500, 429);
  const { client, settle } = open(registry);
  expect(await settle(client.byId(1))).toMatchObject({ id: 1, schema: '"int"' });
  await settle(client.byId(2));
  expect(hosts(registry)).toEqual(["one", "one", "one", "one", "two", "two"]);
  expect(registry.requests[0]).toBe("GET /sr/schemas/ids/1");
});

test("when none answers, the error names all of them and why", async () => {
  const registry = await RegistryHttp.open();
  registry.failures.push(...Array<number>(4).fill(503), ...Array<Error>(4).fill(new Error("connect ECONNREFUSED")));
  const { client, settle } = open(registry);
  const error = (await settle(client.byId(1))) as Error & { code?: string };
  expect([errorKind(error), error.code]).toEqual(["retriable", "REGISTRY_UNREACHABLE"]);
  expect(error.message).toBe(
    "The schema registry did not answer for the schema of id 1: http://one:8081/sr answered 503 HTTP 503; http://two:8081 failed: connect ECONNREFUSED. Check schema.registry.url, and that the registry runs",
  );
});

test.each([401, 403])("%i is not tried again", async (status) => {
  const registry = await RegistryHttp.open();
  registry.failures.push(status);
  const { client, settle } = open(registry);
  const error = (await settle(client.byId(1))) as Error & { code?: string };
  expect([errorKind(error), error.code]).toEqual(["config", "REGISTRY_UNAUTHORIZED"]);
  expect(registry.requests).toHaveLength(1);
});

test.each([
  [404, "<html>no such page</html>"],
  [302, ""],
  [413, "<html>too large</html>"],
  [200, "<html>please log in</html>"],
  [200, "{}"],
  [200, "null"],
])("an answer %i %s is no registry's: no record is at fault, and it is asked again", async (status, text) => {
  const registry = await RegistryHttp.open();
  await registry.register("s", '"int"');
  registry.failures.push({ status, body: Buffer.from(text) });
  const { client, settle } = open(registry);
  const error = (await settle(client.byId(1))) as Error & { code?: string };
  expect([errorKind(error), error.code]).toEqual(["retriable", "REGISTRY_UNREACHABLE"]);
  expect(error.message).toContain("did not answer");
  expect(await settle(client.byId(1))).toMatchObject({ schema: '"int"' });
});

test("requests for the same run once, and their answer is kept", async () => {
  const registry = await RegistryHttp.open();
  await registry.register("s", '"int"');
  const { client } = open(registry);
  await Promise.all([client.byId(1), client.byId(1)]);
  await client.byId(1);
  const schema = { schemaType: "AVRO", schema: '"int"', references: [] } as const;
  await Promise.all([
    client.register("s", schema, { normalize: false }),
    client.register("s", schema, { normalize: false }),
  ]);
  await Promise.all([client.latest("s"), client.latest("s")]);
  expect(registry.requests).toEqual(
    ["GET /schemas/ids/1", "POST /subjects/s/versions", "GET /subjects/s/versions/latest"].map((it) =>
      it.replace(" ", " /sr"),
    ),
  );
});

test("a failed request is not kept", async () => {
  const registry = await RegistryHttp.open();
  const { client, settle } = open(registry);
  expect(await settle(client.byId(1))).toBeInstanceOf(Error);
  await registry.register("s", '"int"');
  expect(await settle(client.byId(1))).toMatchObject({ schema: '"int"' });
});

test("no more ids are kept than max.schemas.per.subject", async () => {
  const registry = await RegistryHttp.open();
  const { client } = open(registry, { ...TWO, "max.schemas.per.subject": "2" });
  const register = (schema: string) =>
    client.register("s", { schemaType: "AVRO", schema, references: [] }, { normalize: false });
  for (const schema of ['"int"', '"long"', '"int"', '"string"', '"int"', '"long"']) await register(schema);
  expect(registry.requests).toHaveLength(4);
});

const credentials = (props: Record<string, string>) => parseRegistrySettings({ ...TWO, ...props }).headers;
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

test("credentials", () => {
  const jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";';
  expect(credentials({ "schema.registry.url": "http://u:p%40@one" })).toEqual({ Authorization: basic("u:p@") });
  expect(credentials({ "basic.auth.credentials.source": "USER_INFO", "basic.auth.user.info": "u:p" })).toEqual({
    Authorization: basic("u:p"),
  });
  expect(credentials({ "basic.auth.credentials.source": "SASL_INHERIT", "sasl.jaas.config": jaas })).toEqual({
    Authorization: basic("u:p"),
  });
  expect(
    credentials({
      "bearer.auth.credentials.source": "STATIC_TOKEN",
      "bearer.auth.token": "secret",
      "bearer.auth.logical.cluster": "lsrc-1",
      "request.header.X-Mine": "1",
    }),
  ).toEqual({ "X-Mine": "1", Authorization: "Bearer secret", "target-sr-cluster": "lsrc-1" });
});

const OAUTH = {
  ...TWO,
  "bearer.auth.credentials.source": "OAUTHBEARER",
  "bearer.auth.issuer.endpoint.url": "https://idp/token",
  "bearer.auth.client.id": "me",
  "bearer.auth.client.secret": "secret",
  "bearer.auth.scope": "all",
};

test("tokens of an identity provider, renewed before they expire", async () => {
  const registry = await RegistryHttp.open();
  await registry.register("s", '"int"');
  registry.answers.set("/token", { access_token: "t1", expires_in: 400 });
  const { client, clock } = open(registry, OAUTH);
  await Promise.all([client.byId(1), client.latest("s")]);
  expect(registry.requests).toEqual(["POST /token", "GET /sr/schemas/ids/1", "GET /sr/subjects/s/versions/latest"]);
  const [asked, ...sent] = registry.sent;
  expect([asked!.body!.toString(), asked!.headers["Authorization"]]).toEqual([
    "grant_type=client_credentials&scope=all",
    basic("me:secret"),
  ]);
  expect(sent.map(({ headers }) => headers["Authorization"])).toEqual(["Bearer t1", "Bearer t1"]);
  await clock.advance(100_000);
  registry.answers.set("/token", { access_token: "t2", expires_in: 400 });
  await client.latest("s");
  expect(registry.sent.at(-1)!.headers["Authorization"]).toBe("Bearer t2");
});

test("an identity provider that refuses is not tried again, and no secret is shown", async () => {
  const registry = await RegistryHttp.open();
  registry.failures.push(401);
  const { client, settle } = open(registry, OAUTH);
  const error = (await settle(client.byId(1))) as Error & { code?: string };
  expect([errorKind(error), error.code]).toEqual(["config", "REGISTRY_UNAUTHORIZED"]);
  expect(error.message).toContain("https://idp/token refuses a token for bearer.auth.client.id=me (HTTP 401)");
  expect(error.message).not.toContain("secret:");
  expect(registry.requests).toEqual(["POST /token"]);
});

test("a URL is shown without its credentials", () => {
  const { urls } = parseRegistrySettings({ "schema.registry.url": "https://user:secret@one/" });
  expect(urls).toEqual(["https://one"]);
});

test.each([
  [{ "schema.registry.url": "" }, "schema.registry.url is empty"],
  [{ "schema.registry.url": "user:secret@@x" }, "schema.registry.url"],
  [{ "schema.registry.url": "http://user:secret%@x" }, "schema.registry.url holds something that is no URL"],
  [{ "schema.registry.url": "127.0.0.1:8081" }, "Give URLs such as http://127.0.0.1:8081"],
  [{ "basic.auth.credentials.source": "USER_INFO" }, "basic.auth.user.info is missing"],
  [
    { "basic.auth.credentials.source": "URL", "bearer.auth.credentials.source": "STATIC_TOKEN" },
    "Only one of 'basic.auth.credentials.source' and 'bearer.auth.credentials.source' may be specified",
  ],
  [{ "bearer.auth.credentials.source": "CUSTOM" }, "STATIC_TOKEN and OAUTHBEARER are supported"],
  [{ ...OAUTH, "bearer.auth.issuer.endpoint.url": "https://u:secret@idp/token" }, "must be a URL without credentials"],
  [{ ...OAUTH, "bearer.auth.client.id": "" }, "bearer.auth.client.id is missing, which OAUTHBEARER needs"],
  [{ "proxy.host": "p" }, "proxy.host is not supported"],
])("%j is refused, without secrets", (props, message) => {
  expect(() => credentials(props as Record<string, string>)).toThrow(message);
  expect(() => credentials(props as Record<string, string>)).not.toThrow("secret");
});
