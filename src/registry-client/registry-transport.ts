import type { Clock } from "../api/clock.js";
import { ConfigError, DataError, RetriableError } from "../api/errors.js";
import type { Random } from "../api/random.js";
import type { HttpAnswer, HttpClient } from "../base/http-client.js";
import { errorMessage } from "../base/trace/error-trace.js";
import { OauthTokens } from "./oauth-tokens.js";
import type { RegistrySettings } from "./registry-settings.js";

const CONTENT_TYPE = "application/vnd.schemaregistry.v1+json";
/** Answers that may be others later. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);

/** What the system gives a client. */
export interface TransportParts {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
}

/** One request: a path below the registry's URL, and the JSON to send. */
export interface RegistryRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  /** What is asked for, for messages: `the schema of id 7`. */
  readonly what: string;
}

/** The registry has answered that it does not do what was asked. */
export class RegistryRefusal extends DataError {
  /**
   * @param status of HTTP.
   * @param registryCode the registry's own code: 40403.
   */
  constructor(
    readonly status: number,
    readonly registryCode: number,
    message: string,
  ) {
    super(status === 404 ? "REGISTRY_SCHEMA_UNKNOWN" : "REGISTRY_SCHEMA_REFUSED", message);
  }
}

/** Sends requests to the instances of one registry, with attempts and fail-over as in Confluent's client. */
export class RegistryTransport {
  /** The URL that answered last. */
  #current: number;
  readonly #tokens: OauthTokens | undefined;

  constructor(
    private readonly settings: RegistrySettings,
    private readonly parts: TransportParts,
  ) {
    this.#tokens = settings.oauth && new OauthTokens(settings.oauth, parts);
    this.#current = settings.randomize ? parts.random.integer(settings.urls.length) : 0;
  }

  /**
   * Returns the answer's JSON.
   * @throws RegistryRefusal, RetriableError REGISTRY_UNREACHABLE when no instance answers in time, ConfigError
   *   REGISTRY_UNAUTHORIZED.
   */
  async send(request: RegistryRequest): Promise<unknown> {
    const { urls } = this.settings;
    const failures: string[] = [];
    for (let i = 0; i < urls.length; i++) {
      const at = this.#current;
      const url = urls[at]!;
      const failure = await this.#attempts(url, request);
      if (!("reason" in failure)) return readJson(failure, url, request);
      failures.push(`${url} ${failure.reason}`);
      // Another request may have moved on meanwhile.
      if (this.#current === at) this.#current = (at + 1) % urls.length;
    }
    throw new RetriableError(
      "REGISTRY_UNREACHABLE",
      `The schema registry did not answer for ${request.what}: ${failures.join("; ")}. Check schema.registry.url, and that the registry runs`,
    );
  }

  /** The first answer that counts, or why there is none. */
  async #attempts(url: string, request: RegistryRequest): Promise<HttpAnswer | { readonly reason: string }> {
    const { most, waitMs, maxWaitMs } = this.settings.retries;
    let reason = "";
    for (let attempt = 0; attempt <= most; attempt++) {
      if (attempt > 0) {
        const bound = Math.min(maxWaitMs, waitMs * 2 ** (attempt - 1));
        await this.parts.clock.delay(Math.max(1, this.parts.random.next() * bound));
      }
      try {
        const answer = await this.#once(url, request);
        if (!PASSING.has(answer.status)) return answer;
        reason = `answered ${answer.status} ${faultOf(answer).message}`.trimEnd();
      } catch (error) {
        if (error instanceof ConfigError) throw error;
        reason = `failed: ${errorMessage(error)}`;
      }
    }
    return { reason };
  }

  async #once(url: string, { method, path, body }: RegistryRequest): Promise<HttpAnswer> {
    const token = await this.#tokens?.current();
    return this.parts.http.send({
      url: new URL(`${url}${path}`),
      method,
      headers: {
        Accept: `${CONTENT_TYPE}, application/json`,
        "Content-Type": CONTENT_TYPE,
        ...this.settings.headers,
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
      body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
      timeoutMs: this.settings.timeoutMs,
    });
  }
}

function readJson(answer: HttpAnswer, url: string, { what }: RegistryRequest): unknown {
  const { status, body } = answer;
  if (status === 204) return undefined;
  if (status === 200 || status === 207) {
    try {
      return JSON.parse(body.toString("utf8"));
    } catch (cause) {
      throw noRegistry(url, what, cause);
    }
  }
  const { code, message } = faultOf(answer);
  if (status === 401 || status === 403) {
    throw new ConfigError(
      "schema.registry.url",
      `The schema registry ${url} refuses this client for ${what}: ${status} ${message}. Check basic.auth.* or bearer.auth.*, and what that user may do`,
      { code: "REGISTRY_UNAUTHORIZED" },
    );
  }
  // Of a proxy, or of another server: the record is not at fault.
  if (code === UNREADABLE) throw noRegistry(url, what, new Error(`HTTP ${status}: ${message}`));
  throw new RegistryRefusal(
    status,
    code,
    `The schema registry ${url} refused ${what}: ${message} (error ${code}, HTTP ${status})`,
  );
}

function noRegistry(url: string, what: string, cause: unknown): RetriableError {
  return new RetriableError(
    "REGISTRY_UNREACHABLE",
    `${url} did not answer in JSON for ${what}: is this a schema registry?`,
    { cause },
  );
}

/** The code of an answer that is no registry's, as in Confluent's client. */
const UNREADABLE = 50005;

function faultOf({ body }: HttpAnswer): { code: number; message: string } {
  const text = body.toString("utf8");
  try {
    const json = JSON.parse(text) as { error_code?: unknown; message?: unknown };
    if (typeof json.error_code === "number" && typeof json.message === "string")
      return { code: json.error_code, message: json.message };
  } catch {
    // Told below, as in Confluent's client.
  }
  if (text === "") return { code: UNREADABLE, message: "" };
  return { code: UNREADABLE, message: `Unable to parse error message from schema registry: '(${text.slice(0, 200)})'` };
}
