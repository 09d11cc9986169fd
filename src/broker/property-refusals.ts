import { splitList } from "./topics/config-keys.js";

/**
 * Properties that restrict access, or decide who is trusted, and are not enforced here, with the one value of each that
 * restricts nothing. With the prefix of a listener they are refused, too.
 */
const NOT_ENFORCED: readonly (readonly [name: RegExp, harmless: string])[] = [
  [/^principal\.builder\.class$/, ""],
  [/^sasl\.(?!enabled\.mechanisms$|server\.max\.receive\.size$|mechanism\.(inter\.broker|controller)\.protocol$)/, ""],
  [/^ssl\.(engine\.factory\.class|cipher\.suites|allow\.)/, ""],
  [/^security\.providers$/, ""],
  [/^(create\.topic|alter\.config)\.policy\.class\.name$/, ""],
  [/^client\.quota\.callback\.class$/, ""],
  [/^max\.connections\.per\.ip\.overrides$/, ""],
];

/** The properties that a listener may have of its own. */
const OF_LISTENERS =
  /^(ssl\..+|sasl\.enabled\.mechanisms|((plain|scram-sha-256|scram-sha-512)\.)?connections\.max\.reauth\.ms|(plain|scram-sha-256|scram-sha-512)\.sasl\.jaas\.config)$/;

/**
 * Why a property is refused instead of accepted without effect; undefined: it is not refused. The reason does not hold
 * the value of a property that may be secret.
 */
export function refusalOf(name: string, value: string): string | undefined {
  const ofListener = /^listener\.name\.[^.]+\.(.+)$/.exec(name)?.[1];
  if (ofListener !== undefined && !OF_LISTENERS.test(ofListener)) {
    return "the bundled broker has no such property of a single listener. Remove it, or use Apache Kafka";
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
