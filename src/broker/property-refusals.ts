import { splitList } from "./topics/config-keys.js";

/** Kafka's classes of OAUTHBEARER are not loaded: what they do is the broker's own. */
const TOKEN_MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;";
const TOKEN_VALIDATORS: readonly string[] = [
  "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
  "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerValidatorCallbackHandler",
];

/** How tokens are checked, after `sasl.oauthbearer.`. */
const OF_TOKENS = String.raw`(jwks\.endpoint\.(url|refresh\.ms|retry\.backoff\.(max\.)?ms)|expected\.(audience|issuer)|clock\.skew\.seconds|(sub|scope)\.claim\.name)$`;

/**
 * Properties that restrict access, or decide who is trusted, and are not enforced here, with the one value of each that
 * restricts nothing. With the prefix of a listener they are refused, too.
 */
const NOT_ENFORCED: readonly (readonly [name: RegExp, harmless: string])[] = [
  [/^principal\.builder\.class$/, ""],
  [
    new RegExp(
      String.raw`^sasl\.(?!enabled\.mechanisms$|server\.max\.receive\.size$|mechanism\.(inter\.broker|controller)\.protocol$|oauthbearer\.${OF_TOKENS})`,
    ),
    "",
  ],
  [/^ssl\.(engine\.factory\.class|cipher\.suites|allow\.)/, ""],
  [/^security\.providers$/, ""],
  [/^(create\.topic|alter\.config)\.policy\.class\.name$/, ""],
  [/^client\.quota\.callback\.class$/, ""],
  [/^max\.connections\.per\.ip\.overrides$/, ""],
];

/** The properties that a listener may have of its own. */
const OF_LISTENERS = [
  /^ssl\..+$/,
  /^sasl\.enabled\.mechanisms$/,
  /^((plain|scram-sha-256|scram-sha-512|oauthbearer)\.)?connections\.max\.reauth\.ms$/,
  /^(plain|scram-sha-256|scram-sha-512|oauthbearer)\.sasl\.jaas\.config$/,
  /^oauthbearer\.sasl\.server\.callback\.handler\.class$/,
  new RegExp(String.raw`^(oauthbearer\.)?sasl\.oauthbearer\.${OF_TOKENS}`),
];

/**
 * Why a property is refused instead of accepted without effect; undefined: it is not refused. The reason does not hold
 * the value of a property that may be secret.
 */
export function refusalOf(name: string, value: string): string | undefined {
  const ofListener = /^listener\.name\.[^.]+\.(.+)$/.exec(name)?.[1];
  if (ofListener !== undefined && !OF_LISTENERS.some((each) => each.test(ofListener))) {
    return "the bundled broker has no such property of a single listener. Remove it, or use Apache Kafka";
  }
  // Its options would be for tokens without signatures.
  if (ofListener === "oauthbearer.sasl.jaas.config" && value.trim().replace(/\s+/g, " ") !== TOKEN_MODULE) {
    return `remove it, or set ${TOKEN_MODULE}`;
  }
  if (ofListener === "oauthbearer.sasl.server.callback.handler.class" && !TOKEN_VALIDATORS.includes(value.trim())) {
    return `Java classes cannot be loaded; remove it, or set ${TOKEN_VALIDATORS[0]}`;
  }
  const key = ofListener ?? name;
  const restricts = NOT_ENFORCED.some(([pattern, harmless]) => pattern.test(key) && value.trim() !== harmless);
  if (restricts && key === "sasl.jaas.config") {
    return "users are set for a listener and a mechanism: listener.name.NAME.plain.sasl.jaas.config";
  }
  if (restricts) {
    return "the bundled broker does not serve it, so it would protect nothing. Remove it, or use Apache Kafka";
  }
  const isUserList = value.split(";").every((user) => user.trim() === "" || /^[^:]+:./.test(user.trim()));
  if (name === "super.users" && !isUserList) return `expected User:NAME;User:NAME, got ${value}`;
  if (name === "process.roles" && splitList(value).sort().join() !== "broker,controller") {
    return `got ${value}; the bundled broker is always both broker and controller (broker,controller)`;
  }
  return undefined;
}
