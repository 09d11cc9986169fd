import type { ConfigDef } from "../api/config-def.js";

/** The keys of every client of a schema registry, as in Confluent's converters. */
export const registryKeys = {
  "schema.registry.url": {
    type: "list",
    doc: "URLs of the schema registry's instances, separated by commas. They are tried in turn.",
    importance: "high",
  },
  "schema.registry.url.randomize": {
    type: "boolean",
    doc: "Whether to begin with any of the URLs, rather than the first.",
    default: false,
    importance: "low",
  },
  "max.schemas.per.subject": {
    type: "int",
    doc: "The number of schemas of a subject whose ids are kept.",
    default: 1000,
    importance: "low",
  },
  "latest.cache.size": {
    type: "int",
    doc: "The number of latest versions to keep.",
    default: 1000,
    importance: "low",
  },
  "latest.cache.ttl.sec": {
    type: "int",
    doc: "How long a latest version is kept, in seconds; -1: for 60 seconds.",
    default: -1,
    importance: "low",
  },
  "http.connect.timeout.ms": {
    type: "int",
    doc: "The longest wait for a connection to the registry.",
    default: 60000,
    importance: "low",
  },
  "http.read.timeout.ms": {
    type: "int",
    doc: "The longest wait for an answer of the registry.",
    default: 60000,
    importance: "low",
  },
  "max.retries": {
    type: "int",
    doc: "The number of further attempts with each URL when it does not answer, or answers that it cannot now.",
    default: 3,
    importance: "low",
  },
  "retries.wait.ms": {
    type: "int",
    doc: "The longest wait before the second attempt; it doubles with each one.",
    default: 1000,
    importance: "low",
  },
  "retries.max.wait.ms": {
    type: "int",
    doc: "The longest wait before any attempt.",
    default: 20000,
    importance: "low",
  },
  "basic.auth.credentials.source": {
    type: "string",
    doc: "Where user and password are: URL, USER_INFO (basic.auth.user.info) or SASL_INHERIT (sasl.jaas.config).",
    default: "URL",
    importance: "medium",
  },
  "basic.auth.user.info": {
    type: "password",
    doc: "USER:PASSWORD for basic.auth.credentials.source=USER_INFO.",
    default: "",
    importance: "medium",
  },
  "bearer.auth.credentials.source": {
    type: "string",
    doc: "Where the bearer token comes from: STATIC_TOKEN (bearer.auth.token) or OAUTHBEARER (an identity provider, by client credentials).",
    default: null,
    importance: "medium",
  },
  "bearer.auth.token": {
    type: "password",
    doc: "The token for bearer.auth.credentials.source=STATIC_TOKEN.",
    default: null,
    importance: "medium",
  },
  "bearer.auth.issuer.endpoint.url": {
    type: "string",
    doc: "The identity provider's URL for tokens, for bearer.auth.credentials.source=OAUTHBEARER.",
    default: null,
    importance: "medium",
  },
  "bearer.auth.client.id": {
    type: "string",
    doc: "The client's id at the identity provider.",
    default: null,
    importance: "medium",
  },
  "bearer.auth.client.secret": {
    type: "password",
    doc: "The client's secret at the identity provider.",
    default: null,
    importance: "medium",
  },
  "bearer.auth.scope": {
    type: "string",
    doc: "The scope of tokens.",
    default: null,
    importance: "medium",
  },
  "bearer.auth.cache.expiry.buffer.seconds": {
    type: "short",
    doc: "How long before its end a token is renewed, in seconds.",
    default: 300,
    importance: "low",
  },
  "bearer.auth.logical.cluster": {
    type: "string",
    doc: "Sent with the token, as the header target-sr-cluster.",
    default: null,
    importance: "low",
  },
  "bearer.auth.identity.pool.id": {
    type: "string",
    doc: "Sent with the token, as the header Confluent-Identity-Pool-Id.",
    default: null,
    importance: "low",
  },
} as const satisfies ConfigDef;
