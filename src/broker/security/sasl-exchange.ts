import type { Clock } from "../../base/clock.js";
import type { Random } from "../../base/random.js";
import type { ListenerTokens } from "./oauth/listener-tokens.js";
import { OAuthBearerServer } from "./oauth/oauth-bearer-server.js";
import { PlainServer } from "./plain-server.js";
import { MECHANISMS, type SaslMechanism, type SaslServer } from "./sasl-server.js";
import { ScramServer, type ScramUsers } from "./scram-server.js";

/** The SASL settings of a listener. */
export interface ListenerSasl {
  /** Those that clients may choose from. */
  readonly mechanisms: readonly SaslMechanism[];
  /** Passwords for PLAIN, by users. */
  readonly passwords: ReadonlyMap<string, string>;
  /** For OAUTHBEARER; undefined: it is not among the mechanisms. */
  readonly tokens?: ListenerTokens | undefined;
  /** After this time the client must authenticate again; 0: never. */
  sessionMs(mechanism: SaslMechanism): number;
}

/** A hundred years. Java's clients count a session in nanoseconds, in 64 bits, and fail beyond them. */
const MOST_SESSION_MS = 100 * 365 * 24 * 60 * 60 * 1000;

/** Shared by the exchanges of all connections. */
export interface SaslContext {
  readonly users: ScramUsers;
  readonly clock: Clock;
  readonly random: Random;
}

/** The outcome of a client's token. */
export type SaslOutcome =
  /**
   * `sessionMs`: 0 for an endless session, and until the client is authenticated. `refusal`: why it will be refused.
   */
  | {
      readonly kind: "reply";
      readonly token: Buffer;
      readonly sessionMs: number;
      readonly refusal?: string | undefined;
    }
  | { readonly kind: "refused"; readonly reason: string; readonly wasChallenged?: boolean }
  /** No mechanism has been chosen, or the exchange is over. */
  | { readonly kind: "out of turn" };

/**
 * The authentication of one connection: the client chooses a mechanism, sends tokens and gets replies, and is then
 * authenticated until its session ends. It may authenticate again at any time, as the same user (KIP-368).
 */
export class SaslExchange {
  #chosen: { readonly mechanism: SaslMechanism; readonly server: SaslServer } | undefined;
  #session: { readonly mechanism: SaslMechanism; readonly user: string; readonly endMs: number } | undefined;
  #sendsBareTokens = false;

  constructor(
    private readonly settings: ListenerSasl,
    private readonly context: SaslContext,
  ) {}

  get mechanisms(): readonly SaslMechanism[] {
    return this.settings.mechanisms;
  }

  /** The authenticated user; undefined: there is none yet, or the session has ended. */
  get user(): string | undefined {
    return this.#session && !this.#hasEnded ? this.#session.user : undefined;
  }

  /** Whether the session of an authenticated client has ended: it may only authenticate again. */
  get isExpired(): boolean {
    return this.#session !== undefined && this.#hasEnded;
  }

  /** Whether the next frame is a token without a request's header: the client has chosen by SaslHandshake v0. */
  get expectsBareToken(): boolean {
    return this.#sendsBareTokens && this.#chosen !== undefined;
  }

  /** The client chooses a mechanism. */
  choose(name: string, sendsBareTokens: boolean): "chosen" | "unsupported" | "another than before" {
    const mechanism = MECHANISMS.find((each) => each === name && this.mechanisms.includes(each));
    if (!mechanism) return "unsupported";
    if (this.#session && this.#session.mechanism !== mechanism) return "another than before";
    this.#sendsBareTokens = sendsBareTokens;
    this.#chosen = { mechanism, server: this.#serverOf(mechanism) };
    return "chosen";
  }

  /** Takes the client's next token. */
  take(token: Buffer): SaslOutcome {
    if (!this.#chosen) return { kind: "out of turn" };
    const { mechanism, server } = this.#chosen;
    const step = server.respond(token);
    if (step.kind === "challenge") return { kind: "reply", token: step.token, sessionMs: 0, refusal: step.refusal };
    this.#chosen = undefined;
    if (step.kind === "refused") return step;
    if (this.#session && this.#session.user !== step.user) {
      const reason = `Cannot change principals during re-authentication from User:${this.#session.user}: User:${step.user}`;
      return { kind: "refused", reason };
    }
    const sessionMs = this.#sessionMs(mechanism, step.expiresMs);
    const endMs = sessionMs > 0 ? this.context.clock.monotonicMs() + sessionMs : Number.POSITIVE_INFINITY;
    this.#session = { mechanism, user: step.user, endMs };
    return { kind: "reply", token: step.token, sessionMs };
  }

  /** The length of a session; 0: it does not end. */
  #sessionMs(mechanism: SaslMechanism, expiresMs: number | undefined): number {
    const allowedMs = Math.min(this.settings.sessionMs(mechanism), MOST_SESSION_MS);
    if (expiresMs === undefined) return allowedMs;
    // Not 0, which would be without end.
    const leftMs = Math.min(Math.max(1, Math.floor(expiresMs - this.context.clock.nowMs())), MOST_SESSION_MS);
    return allowedMs > 0 ? Math.min(allowedMs, leftMs) : leftMs;
  }

  get #hasEnded(): boolean {
    return this.context.clock.monotonicMs() > this.#session!.endMs;
  }

  #serverOf(mechanism: SaslMechanism): SaslServer {
    const { passwords, tokens } = this.settings;
    if (mechanism === "PLAIN") return new PlainServer(passwords);
    if (mechanism === "OAUTHBEARER") return new OAuthBearerServer((token) => tokens!.check(token));
    const makeNonce = () => this.context.random.bytes(24).toString("base64url");
    return new ScramServer(mechanism, this.context.users, makeNonce);
  }
}
