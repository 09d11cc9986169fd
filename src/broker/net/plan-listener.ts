import { type BrokerProperties, BrokerPropertyError } from "../broker-properties.js";
import type { Endpoint } from "../handler.js";
import { EndpointError, formatEndpoint, parseEndpoint } from "./endpoint.js";

/** The address that a broker listens on, and the one that it advertises. */
export interface ListenerPlan {
  readonly listen: Endpoint;
  /** undefined: each client gets the address that it connected to. Port 0 stands for the listening port. */
  readonly advertised: Endpoint | undefined;
}

interface NamedEndpoint extends Endpoint {
  readonly name: string;
}

const NAMED = /^([A-Za-z][A-Za-z0-9_.-]*):\/\//;

/**
 * Reads `listeners` and `advertised.listeners` by Kafka's rules, for a single plaintext listener. Listeners named in
 * controller.listener.names are ignored: this broker is its own controller.
 *
 * @throws BrokerPropertyError for a second listener, an encrypted or authenticated one, and where Kafka refuses.
 */
export function planListener(properties: BrokerProperties): ListenerPlan {
  const controllers = new Set(properties.list("controller.listener.names"));
  const [own, ...others] = endpointsOf("listeners", properties).filter(({ name }) => !controllers.has(name));
  if (!own) throw new BrokerPropertyError("listeners", "names no listener for clients");
  if (others.length > 0) {
    const names = [own, ...others].map(({ name }) => name).join(", ");
    throw new BrokerPropertyError("listeners", `one listener is served here, and this names several: ${names}`);
  }
  requirePlaintext(own.name, properties);
  const { host, port } = own;
  const addresses = endpointsOf("advertised.listeners", properties);
  if (addresses.length === 0) return { listen: { host, port }, advertised: undefined };
  const advertised = addresses.find(({ name }) => name === own.name);
  if (!advertised || addresses.length > 1) {
    throw new BrokerPropertyError("advertised.listeners", `expected one address, for the listener ${own.name}`);
  }
  if (["", "0.0.0.0", "::"].includes(advertised.host)) {
    const detail = `no client can connect to '${advertised.host}'. Use the name or address by which clients reach this broker.`;
    throw new BrokerPropertyError("advertised.listeners", detail);
  }
  return { listen: { host, port }, advertised: { host: advertised.host, port: advertised.port } };
}

/**
 * The value of `listeners` where an option gives the address: the properties still decide its name and protocol, so that
 * an option opens nothing that the properties wanted closed.
 *
 * @throws BrokerPropertyError for properties that name an encrypted or authenticated listener.
 */
export function listenersAt(address: Endpoint, properties: BrokerProperties): string {
  const controllers = new Set(properties.list("controller.listener.names"));
  const given = endpointsOf("listeners", properties).filter(({ name }) => !controllers.has(name));
  for (const { name } of given) requirePlaintext(name, properties);
  return `${given[0]?.name ?? "PLAINTEXT"}://${formatEndpoint(address)}`;
}

function endpointsOf(key: string, properties: BrokerProperties): NamedEndpoint[] {
  return properties.list(key).map((text) => {
    const name = NAMED.exec(text)?.[1];
    if (name === undefined)
      throw new BrokerPropertyError(key, `expected NAME://HOST:PORT, such as PLAINTEXT://host:9092, got ${text}`);
    try {
      return { name: name.toUpperCase(), ...parseEndpoint(text) };
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      throw new BrokerPropertyError(key, error.message);
    }
  });
}

/** A name that is not in the map is itself a protocol, as in Kafka's default map. */
function requirePlaintext(name: string, properties: BrokerProperties): void {
  const pairs = properties.list("listener.security.protocol.map").map((pair) => pair.toUpperCase().split(":"));
  const protocol = new Map(pairs.map(([from = "", to = ""]) => [from, to])).get(name) ?? name;
  if (protocol === "PLAINTEXT") return;
  const detail = ["SSL", "SASL_PLAINTEXT", "SASL_SSL"].includes(protocol)
    ? `${name === protocol ? name : `${name} is ${protocol}`}: the bundled broker serves PLAINTEXT only. Use Apache Kafka for encryption and authentication`
    : `no security protocol is defined for ${name} (listener.security.protocol.map)`;
  throw new BrokerPropertyError("listeners", detail);
}
