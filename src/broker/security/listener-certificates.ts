import type { TlsOptions } from "node:tls";
import type { Logger } from "../../base/logger.js";
import { type BrokerProperties, BrokerPropertyError } from "../broker-properties.js";
import { type ListenerTls, listenerTls, tlsStamp } from "./listener-tls.js";

const CERTIFICATE_KEY = /^listener\.name\.([^.]+)\.ssl\.(keystore\..+|truststore\..+|key\.password)$/;

interface Served {
  /** What the certificates were read from, or could not be read from. */
  stamp: string;
  readonly replace: (options: TlsOptions) => void;
}

/** Whether a property names the certificates of one listener: clients may change it while the broker runs. */
export function isCertificateKey(name: string): boolean {
  return CERTIFICATE_KEY.test(name);
}

/** The certificates of the listeners with TLS, which are read again when their properties or files change. */
export class ListenerCertificates {
  readonly #listeners = new Map<string, Served>();

  constructor(
    private readonly properties: BrokerProperties,
    private readonly logger: Logger,
  ) {}

  /** Called for each listener with TLS. @param replace has new connections use other certificates. */
  add(name: string, { stamp }: ListenerTls, replace: Served["replace"]): void {
    this.#listeners.set(name, { stamp, replace });
  }

  /** Why the listeners cannot serve with these settings of the node; undefined: they can. Files are read again. */
  fault(nodeConfigs: Readonly<Record<string, string>>): string | undefined {
    const candidate = this.properties.withNodeConfigs(nodeConfigs);
    const named = new Set(Object.keys(nodeConfigs).flatMap((key) => CERTIFICATE_KEY.exec(key)?.[1] ?? []));
    const known = new Set([...this.#listeners.keys()].map((name) => name.toLowerCase()));
    const stranger = [...named].find((name) => !known.has(name));
    if (stranger !== undefined) return `There is no listener ${stranger.toUpperCase()} with TLS`;
    for (const [name, { stamp }] of this.#listeners) {
      if (tlsStamp(name, candidate) === stamp) continue;
      try {
        listenerTls(name, candidate);
      } catch (error) {
        if (error instanceof BrokerPropertyError) return error.message;
        throw error;
      }
    }
    return undefined;
  }

  /**
   * Has listeners whose properties or files have changed use the new certificates. One whose new certificates cannot be
   * read keeps the old ones, which the log says once.
   */
  reload(): void {
    for (const [name, served] of this.#listeners) {
      if (tlsStamp(name, this.properties) === served.stamp) continue;
      try {
        const { options, stamp } = listenerTls(name, this.properties);
        served.stamp = stamp;
        served.replace(options);
        this.logger.info("A listener uses its new certificates", { listener: name });
      } catch (cause) {
        served.stamp = tlsStamp(name, this.properties);
        const fields = { listener: name, cause: (cause as Error).message };
        this.logger.error("A listener's new certificates cannot be used: it keeps the old ones", fields);
      }
    }
  }
}
