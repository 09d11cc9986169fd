import { type BrokerProperties, BrokerPropertyError } from "../broker-properties.js";
import type { Endpoint } from "../handler.js";
import { isSecurityProtocol, type SecurityProtocol } from "../security/security-protocol.js";
import { EndpointError, formatEndpoint, parseEndpoint } from "./endpoint.js";

/** The address that a broker listens on, how it protects it, and the address that it advertises. */
export interface ListenerPlan {
  /** In upper case, as in `listeners`. */
  readonly name: string;
  readonly protocol: SecurityProtocol;
  readonly listen: Endpoint;
  /** undefined: each client gets the address that it connected to. Port 0 stands for the listening port. */
  readonly advertised: Endpoint | undefined;
}

interface NamedEndpoint extends Endpoint {
  readonly name: string;
}

const NAMED = /^([A-Za-z][A-Za-z0-9_.-]*):\/\//;

/**
 * Reads `listeners`, `advertised.listeners` and `listener.security.protocol.map` by Kafka's rules. Listeners named in
 * controller.listener.names are ignored: this broker is its own controller.
 *
 * @returns the listeners for clients, at least one.
 * @throws BrokerPropertyError where Kafka refuses.
 */
export function planListeners(properties: BrokerProperties): readonly [ListenerPlan, ...ListenerPlan[]] {
  const own = clientListeners(properties);
  const names = own.map(({ name }) => name);
  requireDistinct("listeners", own);
  const advertised = endpointsOf("advertised.listeners", properties);
  requireDistinct("advertised.listeners", advertised);
  for (const { name, host } of advertised) {
    if (!names.includes(name)) {
      throw new BrokerPropertyError("advertised.listeners", `${name} is not among the listeners: ${names.join(", ")}`);
    }
    if (!["", "0.0.0.0", "::"].includes(host)) continue;
    const detail = `no client can connect to '${host}'. Use the name or address by which clients reach this broker.`;
    throw new BrokerPropertyError("advertised.listeners", detail);
  }
  for (const name of properties.namedListeners) {
    if (names.includes(name.toUpperCase()) || isController(name, properties)) continue;
    const detail = `there is no such listener (listeners: ${names.join(", ")})`;
    throw new BrokerPropertyError(`listener.name.${name}.…`, detail);
  }
  const plans = own.map(({ name, host, port }): ListenerPlan => {
    const address = advertised.find((each) => each.name === name);
    return {
      name,
      protocol: protocolOf(name, properties),
      listen: { host, port },
      advertised: address && { host: address.host, port: address.port },
    };
  });
  return plans as unknown as readonly [ListenerPlan, ...ListenerPlan[]];
}

/**
 * The value of `listeners` where an option gives the address: the properties still decide its name and protocol, so that
 * an option opens nothing that the properties wanted closed.
 *
 * @throws BrokerPropertyError for properties that name several listeners: an option has one address.
 */
export function listenersAt(address: Endpoint, properties: BrokerProperties): string {
  const [first, ...others] = clientListeners(properties);
  if (first && others.length > 0) {
    const names = [first, ...others].map(({ name }) => name).join(", ");
    const detail = `several are named (${names}), and an option gives the address of one. Leave the option out, or name one listener`;
    throw new BrokerPropertyError("listeners", detail);
  }
  return `${first.name}://${formatEndpoint(address)}`;
}

function clientListeners(properties: BrokerProperties): readonly [NamedEndpoint, ...NamedEndpoint[]] {
  const [first, ...others] = endpointsOf("listeners", properties).filter(({ name }) => !isController(name, properties));
  if (!first) throw new BrokerPropertyError("listeners", "names no listener for clients");
  return [first, ...others];
}

function isController(name: string, properties: BrokerProperties): boolean {
  return properties.list("controller.listener.names").some((each) => each.toUpperCase() === name.toUpperCase());
}

function endpointsOf(key: string, properties: BrokerProperties): NamedEndpoint[] {
  return properties.list(key).map((text) => {
    const name = NAMED.exec(text)?.[1];
    if (name === undefined)
      throw new BrokerPropertyError(key, `expected NAME://HOST:PORT, such as PLAINTEXT://host:9092, got ${text}`);
    try {
      return { name: name.toUpperCase(), ...parseEndpoint(text.slice(name.length + "://".length)) };
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      throw new BrokerPropertyError(key, error.message);
    }
  });
}

function requireDistinct(key: string, endpoints: readonly NamedEndpoint[]): void {
  const names = endpoints.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new BrokerPropertyError(key, `each listener must have a different name, got ${twice}`);
  const ports = endpoints.filter(({ port }) => port !== 0).map(({ host, port }) => `${host}:${port}`);
  const shared = ports.find((port, at) => ports.indexOf(port) !== at);
  if (key === "listeners" && shared !== undefined) {
    throw new BrokerPropertyError(key, `each listener must have a different port, got ${shared} twice`);
  }
}

/** A name that is not in the map is itself a protocol, as in Kafka's default map. */
function protocolOf(name: string, properties: BrokerProperties): SecurityProtocol {
  const pairs = properties.list("listener.security.protocol.map").map((pair) => pair.toUpperCase().split(":"));
  const protocol = new Map(pairs.map(([from = "", to = ""]) => [from, to])).get(name) ?? name;
  if (isSecurityProtocol(protocol)) return protocol;
  const detail = `no security protocol is defined for ${name} (listener.security.protocol.map)`;
  throw new BrokerPropertyError("listeners", detail);
}
