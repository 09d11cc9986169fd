import type { Clock } from "../../base/clock.js";
import { JaasError, type LoginModule, parseJaasProperty } from "../../base/config/jaas.js";
import type { Logger } from "../../base/logger.js";
import { type BrokerProperties, BrokerPropertyError } from "../broker-properties.js";
import { splitList } from "../topics/config-keys.js";
import { type ListenerTls, listenerTls } from "./listener-tls.js";
import { ListenerTokens } from "./oauth/listener-tokens.js";
import type { ListenerSasl } from "./sasl-exchange.js";
import { MECHANISMS, type SaslMechanism } from "./sasl-server.js";
import { type SecurityProtocol, usesSasl, usesTls } from "./security-protocol.js";

/** How a listener encrypts, and how it authenticates. */
export interface ListenerSecurity {
  readonly tls: ListenerTls | undefined;
  readonly sasl: ListenerSasl | undefined;
  /** Whether its clients may do everything, whatever the ACLs say. */
  readonly isTrusted?: boolean;
}

interface Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
}

const PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule";
const USER_OPTION = "user_";

/**
 * Reads the `ssl.*` and `sasl.*` properties of a listener, and the files that they name.
 * @throws BrokerPropertyError naming the property, without secrets.
 */
export function listenerSecurity(
  name: string,
  protocol: SecurityProtocol,
  properties: BrokerProperties,
  surroundings: Surroundings,
): ListenerSecurity {
  return {
    tls: usesTls(protocol) ? listenerTls(name, properties) : undefined,
    sasl: usesSasl(protocol) ? listenerSasl(name, properties, surroundings) : undefined,
  };
}

function listenerSasl(name: string, properties: BrokerProperties, { clock, logger }: Surroundings): ListenerSasl {
  const of = properties.ofListener(name);
  const named = splitList(of("sasl.enabled.mechanisms") ?? "");
  const mechanisms = MECHANISMS.filter((mechanism) => named.includes(mechanism));
  if (mechanisms.length === 0 || mechanisms.length < new Set(named).size) {
    const detail = `the listener ${name} needs one or more of ${MECHANISMS.join(", ")}, got ${named.join(", ") || "none"}`;
    throw new BrokerPropertyError("sasl.enabled.mechanisms", detail);
  }
  const ofMechanism = (key: string) => of(`oauthbearer.${key}`) ?? of(key);
  const hasTokens = mechanisms.includes("OAUTHBEARER");
  return {
    mechanisms,
    tokens: hasTokens ? ListenerTokens.of(name, ofMechanism, clock, logger) : undefined,
    passwords: mechanisms.includes("PLAIN") ? plainUsers(name, properties) : new Map(),
    sessionMs: (mechanism) => Number(of(`${mechanism.toLowerCase()}.${REAUTH}`) ?? of(REAUTH)),
  };
}

const REAUTH = "connections.max.reauth.ms";

function plainUsers(name: string, properties: BrokerProperties): ReadonlyMap<string, string> {
  const { className, options } = jaasModule(name, "PLAIN", properties);
  const key = jaasKey(name, "PLAIN");
  if (className !== PLAIN_MODULE) throw new BrokerPropertyError(key, `the login module must be ${PLAIN_MODULE}`);
  const users = Object.entries(options).filter(([option]) => option.startsWith(USER_OPTION));
  if (users.length === 0) throw new BrokerPropertyError(key, 'it names no user: write user_NAME="PASSWORD" for each');
  return new Map(users.map(([option, password]) => [option.slice(USER_OPTION.length), password]));
}

function jaasModule(name: string, mechanism: SaslMechanism, properties: BrokerProperties): LoginModule {
  const key = jaasKey(name, mechanism);
  const text = properties.ofListener(name)(`${mechanism.toLowerCase()}.sasl.jaas.config`);
  if (text === undefined) {
    throw new BrokerPropertyError(key, `is missing: ${PLAIN_MODULE} required user_NAME="PASSWORD";`);
  }
  try {
    return parseJaasProperty(text);
  } catch (error) {
    if (!(error instanceof JaasError)) throw error;
    throw new BrokerPropertyError(
      key,
      `expected ${PLAIN_MODULE} required user_NAME="PASSWORD"; (the value is not shown)`,
    );
  }
}

function jaasKey(name: string, mechanism: SaslMechanism): string {
  return `listener.name.${name.toLowerCase()}.${mechanism.toLowerCase()}.sasl.jaas.config`;
}
