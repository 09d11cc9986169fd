import type { ConnectionOptions } from "node:tls";
import { SystemClock } from "../../base/clock.js";
import { type HttpClient, SystemHttpClient } from "../../base/http-client.js";
import { SystemRandom } from "../../base/random.js";
import { RegistryClient } from "../../registry-client/registry-client.js";
import type { RegistrySettings } from "../../registry-client/registry-settings.js";
import type { TransportParts } from "../../registry-client/registry-transport.js";

/** What a converter reaches its registry with. */
export interface RegistryParts extends Omit<TransportParts, "http"> {
  readonly http: (tls: ConnectionOptions) => HttpClient;
}

/** The system's time, chance and sockets. */
export function systemParts(): RegistryParts {
  const clock = new SystemClock();
  return { clock, random: new SystemRandom(), http: (tls) => new SystemHttpClient(clock, () => tls) };
}

export function openRegistry(settings: RegistrySettings, { clock, random, http }: RegistryParts): RegistryClient {
  return new RegistryClient(settings, { clock, random, http: http(settings.tls) });
}
