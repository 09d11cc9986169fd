const FLAGS = ["required", "requisite", "sufficient", "optional"] as const;

/** One login module of a JAAS configuration. */
export interface LoginModule {
  readonly className: string;
  readonly flag: (typeof FLAGS)[number];
  readonly options: Readonly<Record<string, string>>;
}

/** The text is not a JAAS configuration. Its message does not quote the text, which may hold passwords. */
export class JaasError extends Error {
  override readonly name = "JaasError";
  constructor() {
    super("not a JAAS configuration");
  }
}

const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([{};=])|([^\s{};="']+)|(\S)/g;

/**
 * Reads a JAAS login configuration file: entries `NAME { CLASS FLAG OPTION="VALUE" …; … };`, by their names.
 * @throws JaasError
 */
export function parseJaasFile(text: string): ReadonlyMap<string, readonly LoginModule[]> {
  const tokens = new Tokens(text);
  const entries = new Map<string, readonly LoginModule[]>();
  while (!tokens.atEnd) {
    const name = tokens.take();
    tokens.expect("{");
    const modules: LoginModule[] = [];
    for (let className = tokens.take(); className !== "}"; className = tokens.take()) {
      modules.push(moduleOf(className, tokens));
    }
    tokens.expect(";");
    entries.set(name, modules);
  }
  return entries;
}

/**
 * Reads the value of a property `sasl.jaas.config`: `CLASS FLAG OPTION="VALUE" …;`, with one module.
 * @throws JaasError
 */
export function parseJaasProperty(text: string): LoginModule {
  const tokens = new Tokens(text);
  const module = moduleOf(tokens.take(), tokens);
  if (!tokens.atEnd) throw new JaasError();
  return module;
}

function moduleOf(className: string, tokens: Tokens): LoginModule {
  const asked = tokens.take().toLowerCase();
  const flag = FLAGS.find((known) => known === asked);
  if (!flag) throw new JaasError();
  const options: Record<string, string> = {};
  for (let option = tokens.take(); option !== ";"; option = tokens.take()) {
    tokens.expect("=");
    options[option] = tokens.take();
  }
  return { className, flag, options };
}

class Tokens {
  readonly #tokens: string[] = [];
  #next = 0;

  constructor(text: string) {
    for (const [all, double, single, sign, word, other] of text.matchAll(TOKEN)) {
      if (/^\/[/*]/.test(all)) continue;
      const token = double?.replace(/\\(.)/g, "$1") ?? single?.replace(/\\(.)/g, "$1") ?? sign ?? word ?? other;
      this.#tokens.push(token!);
    }
  }

  get atEnd(): boolean {
    return this.#next === this.#tokens.length;
  }

  take(): string {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw new JaasError();
    return token;
  }

  expect(wanted: string): void {
    if (this.take() !== wanted) throw new JaasError();
  }
}
