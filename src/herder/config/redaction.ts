import type { Clock } from "../../api/index.js";

/** Shorter values stay in texts: they would match line numbers and parts of words, and are too short for a secret. */
const SHORTEST = 4;

/** A connector that restarts for years with rotated secrets forgets the oldest. */
const MOST = 1_000;

/** `host:port` or a URL. */
const ADDRESS =
  /^(?:[a-z][\w+.:-]*:\/\/(?:([^\s/@]*)@)?|(?=[^\s/]*:\d+$))(\[[\da-f:.%]+\]|[^\s/:@?#[\]]+)(?=[:/?#]|$)/i;

interface Hidden {
  readonly reference: string;
  /** Hidden as a word of its own only: the host `kafka` must not change `org.apache.kafka`. */
  readonly isHost: boolean;
}

/**
 * Replaces config providers' values in texts by their references. Finds a value verbatim, trimmed, as JSON text, by each
 * of its lines and comma-separated parts, and by the host, user and password of an address, but not in a form that a
 * plugin computes from it.
 */
export class Redaction {
  /** By value, the newest last. */
  readonly #hidden = new Map<string, Hidden>();
  #pattern: RegExp | undefined;

  /** Notes a reference and the value that replaced it. */
  note(reference: string, value: string): void {
    const parts = value.split(/[\n,]/).map((part) => part.trim());
    const addresses = parts.map(addressIn);
    for (const host of addresses.flatMap(({ hosts }) => hosts)) this.#hide(host, { reference, isHost: true });
    const credentials = addresses.flatMap((address) => address.credentials);
    for (const form of [...credentials, value, value.trim(), JSON.stringify(value).slice(1, -1), ...parts]) {
      this.#hide(form, { reference, isHost: false });
    }
    for (const form of this.#hidden.keys()) {
      if (this.#hidden.size <= MOST) break;
      this.#hidden.delete(form);
    }
    this.#pattern = undefined;
  }

  text(text: string): string {
    if (this.#hidden.size === 0) return text;
    // One pass, longest first: a value may contain another one, and a reference another's value.
    this.#pattern ??= new RegExp(
      [...this.#hidden]
        .sort(([a], [b]) => b.length - a.length)
        .map(([form, { isHost }]) => {
          const escaped = form.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
          return isHost ? `(?<![\\w.-])${escaped}(?![\\w-]|\\.\\w)` : escaped;
        })
        .join("|"),
      "g",
    );
    return text.replace(this.#pattern, (form) => this.#hidden.get(form)?.reference ?? form);
  }

  #hide(form: string, hidden: Hidden): void {
    if (form.length < SHORTEST) return;
    this.#hidden.delete(form);
    this.#hidden.set(form, hidden);
  }

  /** Redacts the texts of an error and its causes in place, so that it keeps its class. */
  error<E>(error: E): E {
    let next: unknown = error;
    for (let depth = 0; next instanceof Error && depth < 10; depth++, next = next.cause) {
      const { message, stack } = next;
      next.message = this.text(message);
      if (stack !== undefined) next.stack = this.text(stack);
    }
    return error;
  }
}

/** What errors name of an address: resolvers and clients know only parts of it. */
function addressIn(part: string): { hosts: readonly string[]; credentials: readonly string[] } {
  const [, userInfo = "", host = ""] = ADDRESS.exec(part) ?? [];
  const bare = host.replace(/^\[|\]$/g, "");
  const credentials = userInfo.split(/:(.*)/s).flatMap((each) => [each, unescaped(each)]);
  return { hosts: [bare, bare.toLowerCase()], credentials };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Late messages of a removed connector's tasks may still name its secrets: the last ones removed stay known. */
const MOST_REMOVED = 100;
/** So do all that were removed within this time: their tasks may still stop, or hang. Many may be removed at once. */
const KEEP_MS = 3_600_000;

/** The redactions of the connectors that run here, each with the values of its own references. */
export class Redactions {
  readonly #byConnector = new Map<string, Redaction>();
  /** Removed connectors, the last one at the end, with the monotonic time. */
  readonly #removed = new Map<string, number>();

  constructor(private readonly clock: Pick<Clock, "monotonicMs">) {}

  /** Notes a reference of a connector's config and the value that replaced it. */
  note(connector: string, reference: string, value: string): void {
    const redaction = this.#byConnector.get(connector) ?? new Redaction();
    this.#byConnector.set(connector, redaction);
    this.#removed.delete(connector);
    redaction.note(reference, value);
  }

  /** The connector's config is gone. */
  removed(connector: string): void {
    if (!this.#byConnector.has(connector)) return;
    this.#removed.delete(connector);
    const nowMs = this.clock.monotonicMs();
    this.#removed.set(connector, nowMs);
    for (const [oldest, removedMs] of this.#removed) {
      if (this.#removed.size <= MOST_REMOVED || nowMs - removedMs < KEEP_MS) break;
      this.#removed.delete(oldest);
      this.#byConnector.delete(oldest);
    }
  }

  /** A text about this connector, without the values of its references. */
  text(connector: string, text: string): string {
    return this.#byConnector.get(connector)?.text(text) ?? text;
  }

  /** For a text that may concern any connector, such as an uncaught error: replaces the values of all. */
  ofAll(text: string): string {
    let shown = text;
    for (const redaction of this.#byConnector.values()) shown = redaction.text(shown);
    return shown;
  }
}
