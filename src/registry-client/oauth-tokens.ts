import type { Clock } from "../api/clock.js";
import type { Password } from "../api/config-def.js";
import { ConfigError } from "../api/errors.js";
import type { HttpClient } from "../base/http-client.js";

/** How to get tokens from an identity provider, by client credentials. */
export interface OauthSettings {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: Password;
  readonly scope: string | null;
  /** How long before its end a token is renewed. */
  readonly bufferMs: number;
}

const TIMEOUT_MS = 60_000;

/** The bearer token of a client, renewed before it expires; those who wait for it share one request. */
export class OauthTokens {
  #token: { readonly text: string; readonly untilMs: number } | undefined;
  #asked: Promise<string> | undefined;

  constructor(
    private readonly settings: OauthSettings,
    private readonly parts: { readonly http: HttpClient; readonly clock: Clock },
  ) {}

  /** @throws ConfigError REGISTRY_UNAUTHORIZED when the provider refuses; Error when it does not answer. */
  async current(): Promise<string> {
    if (this.#token && this.#token.untilMs > this.parts.clock.monotonicMs()) return this.#token.text;
    this.#asked ??= this.#ask().finally(() => {
      this.#asked = undefined;
    });
    return this.#asked;
  }

  async #ask(): Promise<string> {
    const { tokenUrl, clientId, clientSecret, scope, bufferMs } = this.settings;
    const credentials = Buffer.from(`${clientId}:${clientSecret.value}`).toString("base64");
    const form = new URLSearchParams({ grant_type: "client_credentials", ...(scope !== null && { scope }) });
    const askedMs = this.parts.clock.monotonicMs();
    const { status, body } = await this.parts.http.send({
      url: new URL(tokenUrl),
      method: "POST",
      headers: {
        Authorization: `Basic ${credentials}`,
        Accept: "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
      },
      body: Buffer.from(form.toString()),
      timeoutMs: TIMEOUT_MS,
    });
    if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
      throw new ConfigError(
        "bearer.auth.issuer.endpoint.url",
        `${tokenUrl} refuses a token for bearer.auth.client.id=${clientId} (HTTP ${status}): check bearer.auth.client.id, bearer.auth.client.secret and bearer.auth.scope`,
        { code: "REGISTRY_UNAUTHORIZED" },
      );
    }
    const answer = status === 200 ? tokenIn(body) : undefined;
    if (!answer) throw new Error(`${tokenUrl} answered no token (HTTP ${status})`);
    this.#token = { text: answer.token, untilMs: askedMs + Math.max(0, answer.lifeMs - bufferMs) };
    return answer.token;
  }
}

function tokenIn(body: Buffer): { readonly token: string; readonly lifeMs: number } | undefined {
  try {
    const { access_token, expires_in } = JSON.parse(body.toString()) as {
      access_token?: unknown;
      expires_in?: unknown;
    };
    if (typeof access_token !== "string" || access_token === "") return undefined;
    return { token: access_token, lifeMs: Number(expires_in ?? 0) * 1000 };
  } catch {
    // The caller says that there is none; the text might hold one, so it is not shown.
    return undefined;
  }
}
