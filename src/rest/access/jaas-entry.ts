import { ConfigError } from "../../api/index.js";

const FLAGS = ["required", "requisite", "sufficient", "optional"] as const;

/** One login module of a JAAS entry. */
export interface LoginModule {
  readonly className: string;
  readonly flag: (typeof FLAGS)[number];
  readonly options: Readonly<Record<string, string>>;
}

const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([{};=])|([^\s{};="']+)|(\S)/g;

/**
 * Finds an entry in the text of a JAAS login configuration file (javax.security.auth.login.Configuration):
 * `NAME { CLASS FLAG OPTION="VALUE" …; … };`.
 *
 * @param key the setting that named the file, for errors.
 * @returns the entry's modules in order; undefined if the file has no such entry.
 * @throws ConfigError naming `key` for text of another form, without quoting it: it may hold passwords.
 */
export function jaasEntry(key: string, text: string, name: string): LoginModule[] | undefined {
  const tokens = tokensOf(text);
  const malformed = () =>
    new ConfigError(
      key,
      `Invalid value [hidden] for configuration ${key}: the file is not a JAAS configuration; expected ${name} { CLASS required OPTION="VALUE"; };`,
    );
  const take = (): string => {
    const token = tokens.shift();
    if (token === undefined) throw malformed();
    return token;
  };
  const expect = (wanted: string) => {
    if (take() !== wanted) throw malformed();
  };
  let found: LoginModule[] | undefined;
  while (tokens.length > 0) {
    const entry = take();
    const modules: LoginModule[] = [];
    expect("{");
    for (let className = take(); className !== "}"; className = take()) {
      const asked = take().toLowerCase();
      const flag = FLAGS.find((known) => known === asked);
      if (!flag) throw malformed();
      const options: Record<string, string> = {};
      for (let option = take(); option !== ";"; option = take()) {
        expect("=");
        options[option] = take();
      }
      modules.push({ className, flag, options });
    }
    expect(";");
    if (entry === name) found = modules;
  }
  return found;
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (const [all, double, single, sign, word, other] of text.matchAll(TOKEN)) {
    if (/^\/[/*]/.test(all)) continue;
    const token = double?.replace(/\\(.)/g, "$1") ?? single?.replace(/\\(.)/g, "$1") ?? sign ?? word ?? other;
    tokens.push(token!);
  }
  return tokens;
}
