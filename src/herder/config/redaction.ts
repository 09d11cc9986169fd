/**
 * Values shorter than this stay in texts: they would be found in line numbers and within words, and what is that short
 * keeps no secret.
 */
const SHORTEST = 4;

/** A connector that restarts for years with rotated secrets forgets the oldest. */
const MOST = 1_000;

/**
 * Takes out of texts what config providers gave, and puts the references there instead. It finds a value as it was
 * given, trimmed, as JSON text, and each of its lines and comma-separated parts; not what a plugin computes from it.
 */
export class Redaction {
  /** Value to reference, the newest last. */
  readonly #references = new Map<string, string>();
  #pattern: RegExp | undefined;

  /** Notes what a reference was replaced by. */
  note(reference: string, value: string): void {
    const parts = value.split(/[\n,]/).map((part) => part.trim());
    for (const form of [value, value.trim(), JSON.stringify(value).slice(1, -1), ...parts]) {
      if (form.length < SHORTEST) continue;
      this.#references.delete(form);
      this.#references.set(form, reference);
    }
    for (const form of this.#references.keys()) {
      if (this.#references.size <= MOST) break;
      this.#references.delete(form);
    }
    this.#pattern = undefined;
  }

  text(text: string): string {
    if (this.#references.size === 0) return text;
    // One pass, longest first: a value may hold another one, and a reference another's value.
    this.#pattern ??= new RegExp(
      [...this.#references.keys()]
        .sort((a, b) => b.length - a.length)
        .map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"))
        .join("|"),
      "g",
    );
    return text.replace(this.#pattern, (form) => this.#references.get(form) ?? form);
  }

  /** The same error, so that it keeps its class, with its texts and its causes' redacted. */
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

/** The redactions of the connectors that run here, each with what its own references stood for. */
export class Redactions {
  readonly #byConnector = new Map<string, Redaction>();

  of(connector: string): Redaction {
    const known = this.#byConnector.get(connector);
    if (known) return known;
    const redaction = new Redaction();
    this.#byConnector.set(connector, redaction);
    return redaction;
  }

  /** For a text that may be of any of them, such as an error that nobody caught: what it holds of each is taken out. */
  ofAll(text: string): string {
    let shown = text;
    for (const redaction of this.#byConnector.values()) shown = redaction.text(shown);
    return shown;
  }
}
