import type { Clock } from "../../../base/clock.js";
import type { Logger } from "../../../base/logger.js";
import { BrokerPropertyError } from "../../broker-properties.js";
import { splitList } from "../../topics/config-keys.js";
import { JsonWebKeySource } from "./json-web-key-source.js";
import { checkToken, type TokenRules, type TokenVerdict } from "./json-web-token.js";

const URL_KEY = "sasl.oauthbearer.jwks.endpoint.url";
const PROTOCOLS: readonly string[] = ["file:", "http:", "https:"];

/** The tokens of a listener with OAUTHBEARER: whose they are, and the keys that they are signed with. */
export class ListenerTokens {
  #hasFailed = false;

  private constructor(
    private readonly listener: string,
    private readonly source: JsonWebKeySource,
    private readonly rules: TokenRules,
    private readonly refreshMs: number,
    private readonly retryMs: number,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /**
   * Reads the `sasl.oauthbearer.*` properties of a listener.
   * @param of the value of a property: of the listener's mechanism, of the listener, or of the broker.
   * @throws BrokerPropertyError naming the property.
   */
  static of(name: string, of: (key: string) => string | undefined, clock: Clock, logger: Logger): ListenerTokens {
    const fail = (key: string, detail: string) => new BrokerPropertyError(`${key} (listener ${name})`, detail);
    const number = (each: string) => Number(of(each));
    const text = of(URL_KEY)?.trim() ?? "";
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || !PROTOCOLS.includes(url.protocol)) {
      // Not the text itself: it may hold a password.
      const got = text === "" ? "none" : (url?.protocol ?? "no URL");
      const detail = `OAUTHBEARER needs the keys that tokens are signed with, at a URL with file:, http: or https:, got ${got}`;
      throw fail(URL_KEY, detail);
    }
    const rules: TokenRules = {
      audiences: splitList(of("sasl.oauthbearer.expected.audience") ?? ""),
      issuer: of("sasl.oauthbearer.expected.issuer")?.trim() || undefined,
      subjectClaim: of("sasl.oauthbearer.sub.claim.name")?.trim() || "sub",
      clockSkewMs: number("sasl.oauthbearer.clock.skew.seconds") * 1000,
    };
    const refreshMs = number("sasl.oauthbearer.jwks.endpoint.refresh.ms");
    const retryMs = number("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms");
    return new ListenerTokens(name, new JsonWebKeySource(url, clock), rules, refreshMs, retryMs, clock, logger);
  }

  /** The time until `refresh` is due. */
  get refreshInMs(): number {
    return this.#hasFailed ? Math.min(this.retryMs, this.refreshMs) : this.refreshMs;
  }

  /** Reads the keys for the first time. @throws BrokerPropertyError naming their URL */
  async load(): Promise<void> {
    try {
      await this.source.read();
    } catch (cause) {
      throw new BrokerPropertyError(`${URL_KEY} (listener ${this.listener})`, (cause as Error).message);
    }
  }

  /** Reads the keys again; if that fails, the old ones stay, and the log says why. */
  async refresh(): Promise<void> {
    try {
      await this.source.read();
      this.#hasFailed = false;
    } catch (cause) {
      this.#hasFailed = true;
      this.logger.error("Tokens are checked with the keys that were read before", {}, cause);
    }
  }

  /** Judges a token. One with an unknown key has the keys read again, for the next one, as in Kafka. */
  check(token: string): TokenVerdict {
    const verdict = checkToken(token, this.source.keys, this.rules, this.clock.nowMs());
    if (verdict.kind === "unknown key" && this.source.mayLookAgain) void this.refresh();
    return verdict;
  }
}
