import type { ConnectionOptions } from "node:tls";
import { type ConfigValues, parseConfig } from "../api/config-def.js";
import { ConfigError } from "../api/errors.js";
import { JaasError, parseJaasProperty } from "../base/config/jaas.js";
import { tlsOptions } from "../base/config/tls-options.js";
import type { OauthSettings } from "./oauth-tokens.js";
import { registryKeys } from "./registry-keys.js";

type Props = Readonly<Record<string, string>>;

/** How to reach a schema registry. */
export interface RegistrySettings {
  /** Without credentials, so that they may be shown; each ends without a slash. */
  readonly urls: readonly string[];
  readonly randomize: boolean;
  /** Of every request, credentials included: never to be shown. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where bearer tokens come from; undefined: the credentials are in the headers, if there are any. */
  readonly oauth: OauthSettings | undefined;
  readonly tls: ConnectionOptions;
  readonly timeoutMs: number;
  readonly retries: { readonly most: number; readonly waitMs: number; readonly maxWaitMs: number };
  readonly mostIds: number;
  readonly mostLatest: number;
  readonly latestTtlMs: number;
}

const TLS_PREFIX = "schema.registry.ssl.";
const HEADER_PREFIX = "request.header.";
const DEFAULT_TTL_MS = 60_000;

/**
 * Reads the settings of a registry's client from a converter's keys.
 * @throws ConfigError naming the key, never a secret.
 */
export function parseRegistrySettings(props: Props): RegistrySettings {
  const values = parseConfig(registryKeys, props);
  const urls = values["schema.registry.url"].map(parseUrl);
  if (urls.length === 0) {
    throw new ConfigError("schema.registry.url", "schema.registry.url is empty: name the registry's URL");
  }
  refuseProxy(props);
  const ttl = values["latest.cache.ttl.sec"];
  return {
    urls: urls.map(({ shown }) => shown),
    randomize: values["schema.registry.url.randomize"],
    headers: { ...extraHeaders(props), ...authorization(props, values, urls) },
    oauth: oauthSettings(values),
    tls: tlsOptions(tlsProperties(props)),
    timeoutMs: values["http.connect.timeout.ms"] + values["http.read.timeout.ms"],
    retries: {
      most: values["max.retries"],
      waitMs: values["retries.wait.ms"],
      maxWaitMs: values["retries.max.wait.ms"],
    },
    mostIds: Math.max(1, values["max.schemas.per.subject"]),
    mostLatest: Math.max(1, values["latest.cache.size"]),
    latestTtlMs: ttl < 0 ? DEFAULT_TTL_MS : ttl * 1000,
  };
}

function parseUrl(text: string): { shown: string; userInfo: string } {
  let url: URL;
  let userInfo: string;
  try {
    url = new URL(text);
    userInfo = url.username === "" ? "" : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  } catch {
    // The text may hold a password.
    throw new ConfigError(
      "schema.registry.url",
      "schema.registry.url holds something that is no URL. Give URLs such as http://127.0.0.1:8081, separated by commas",
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ConfigError(
      "schema.registry.url",
      `schema.registry.url has the protocol ${url.protocol}//: http:// and https:// are supported`,
      { code: "CONFIG_UNSUPPORTED" },
    );
  }
  url.username = "";
  url.password = "";
  return { shown: url.href.replace(/\/+$/, ""), userInfo };
}

function refuseProxy(props: Props): void {
  const key = ["proxy.host", "proxy.port"].find((name) => (props[name] ?? "").trim() !== "");
  if (key === undefined) return;
  throw new ConfigError(key, `${key} is not supported: give the worker a direct way to the schema registry`, {
    code: "CONFIG_UNSUPPORTED",
  });
}

function extraHeaders(props: Props): Record<string, string> {
  const names = Object.keys(props).filter((name) => name.startsWith(HEADER_PREFIX));
  return Object.fromEntries(names.map((name) => [name.slice(HEADER_PREFIX.length), props[name]!]));
}

/** `schema.registry.ssl.*` as `ssl.*`. */
function tlsProperties(props: Props): Record<string, string> {
  const names = Object.keys(props).filter((name) => name.startsWith(TLS_PREFIX));
  return Object.fromEntries(names.map((name) => [name.slice("schema.registry.".length), props[name]!]));
}

function authorization(
  props: Props,
  values: ConfigValues<typeof registryKeys>,
  urls: readonly { readonly userInfo: string }[],
): Record<string, string> {
  const bearer = values["bearer.auth.credentials.source"];
  if (bearer !== null && bearer !== "") {
    if ((props["basic.auth.credentials.source"] ?? "") !== "") {
      const key = "bearer.auth.credentials.source";
      throw new ConfigError(key, `Only one of 'basic.auth.credentials.source' and '${key}' may be specified`);
    }
    return bearerHeaders(bearer, values);
  }
  const userInfo = basicUserInfo(props, values, urls);
  return userInfo === "" ? {} : { Authorization: `Basic ${Buffer.from(userInfo).toString("base64")}` };
}

function bearerHeaders(source: string, values: ConfigValues<typeof registryKeys>): Record<string, string> {
  const cluster = values["bearer.auth.logical.cluster"];
  const pool = values["bearer.auth.identity.pool.id"];
  const more = {
    ...(cluster !== null && { "target-sr-cluster": cluster }),
    ...(pool !== null && { "Confluent-Identity-Pool-Id": pool }),
  };
  if (source === "OAUTHBEARER") return more;
  if (source !== "STATIC_TOKEN") {
    const key = "bearer.auth.credentials.source";
    const known = "STATIC_TOKEN and OAUTHBEARER are supported";
    throw new ConfigError(key, `Invalid value ${source} for configuration ${key}: ${known}`, {
      code: "CONFIG_UNSUPPORTED",
    });
  }
  const token = values["bearer.auth.token"]?.value ?? "";
  if (token === "") throw missing("bearer.auth.token", source);
  return { Authorization: `Bearer ${token}`, ...more };
}

function oauthSettings(values: ConfigValues<typeof registryKeys>): OauthSettings | undefined {
  const source = values["bearer.auth.credentials.source"];
  if (source !== "OAUTHBEARER") return undefined;
  const tokenUrl = values["bearer.auth.issuer.endpoint.url"];
  const clientId = values["bearer.auth.client.id"];
  const clientSecret = values["bearer.auth.client.secret"];
  if (tokenUrl === null || tokenUrl === "") throw missing("bearer.auth.issuer.endpoint.url", source);
  // Errors show it.
  if (!URL.canParse(tokenUrl) || tokenUrl.includes("@")) {
    const key = "bearer.auth.issuer.endpoint.url";
    throw new ConfigError(key, `${key} must be a URL without credentials: those are the keys bearer.auth.client.*`);
  }
  if (clientId === null || clientId === "") throw missing("bearer.auth.client.id", source);
  if (clientSecret === null || clientSecret.value === "") throw missing("bearer.auth.client.secret", source);
  const bufferMs = values["bearer.auth.cache.expiry.buffer.seconds"] * 1000;
  return { tokenUrl, clientId, clientSecret, scope: values["bearer.auth.scope"], bufferMs };
}

function missing(key: string, source: string): ConfigError {
  return new ConfigError(key, `${key} is missing, which ${source} needs`, { code: "CONFIG_MISSING" });
}

const OLD_USER_INFO = ["schema.registry.basic.auth.user.info"];

function basicUserInfo(
  props: Props,
  values: ConfigValues<typeof registryKeys>,
  urls: readonly { readonly userInfo: string }[],
): string {
  const key = "basic.auth.credentials.source";
  switch (values[key].toUpperCase()) {
    case "URL":
      return urls.find(({ userInfo }) => userInfo !== "")?.userInfo ?? "";
    case "USER_INFO": {
      const given = [values["basic.auth.user.info"].value, ...OLD_USER_INFO.map((name) => props[name]?.trim() ?? "")];
      const userInfo = given.find((text) => text !== "") ?? "";
      if (userInfo !== "") return userInfo;
      throw missing("basic.auth.user.info", "USER_INFO");
    }
    case "SASL_INHERIT":
      return saslUserInfo(props["sasl.jaas.config"] ?? "");
    default:
      throw new ConfigError(key, `Invalid value for configuration ${key}: it must be URL, USER_INFO or SASL_INHERIT`);
  }
}

function saslUserInfo(jaas: string): string {
  const key = "sasl.jaas.config";
  try {
    const { username, password } = parseJaasProperty(jaas).options;
    if (username !== undefined && password !== undefined) return `${username}:${password}`;
  } catch (error) {
    if (!(error instanceof JaasError)) throw error;
  }
  throw new ConfigError(key, `${key} names no username and password, which SASL_INHERIT needs`);
}
