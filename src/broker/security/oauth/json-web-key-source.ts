import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../../base/clock.js";
import { type HttpClient, SystemHttpClient } from "../../../base/http-client.js";
import { type JsonWebKey, parseJsonWebKeys } from "./json-web-keys.js";
import { shownUrl } from "./shown-url.js";

const TIMEOUT_MS = 10_000;
/** The least time between two looks that tokens with unknown keys cause: anybody can send those. */
const LOOK_AGAIN_MS = 10_000;

/** The keys at a URL (`file:`, `http:` or `https:`), as they were when they were last read. */
export class JsonWebKeySource {
  #keys: readonly JsonWebKey[] = [];
  #readMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(
    readonly url: URL,
    private readonly clock: Clock,
    private readonly http: HttpClient = new SystemHttpClient(clock),
  ) {}

  get keys(): readonly JsonWebKey[] {
    return this.#keys;
  }

  /** Whether the keys may have changed since they were read, and may be read again. */
  get mayLookAgain(): boolean {
    return this.clock.monotonicMs() - this.#readMs >= LOOK_AGAIN_MS;
  }

  /** Reads the keys. @throws Error naming the URL, without what may be secret of it; the former keys stay */
  read(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    this.#readMs = this.clock.monotonicMs();
    try {
      this.#keys = parseJsonWebKeys(await this.#text());
    } catch (cause) {
      throw new Error(`The keys at ${shownUrl(this.url.href)} cannot be read: ${(cause as Error).message}`, { cause });
    }
  }

  async #text(): Promise<string> {
    if (this.url.protocol === "file:") return readFileSync(fileURLToPath(this.url), "utf8");
    const headers = { accept: "application/json" };
    const { status, body } = await this.http.send({ url: this.url, method: "GET", headers, timeoutMs: TIMEOUT_MS });
    if (status !== 200) throw new Error(`the answer is ${status}`);
    return body.toString("utf8");
  }
}
