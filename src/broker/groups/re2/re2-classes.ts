type Accepts = (char: string) => boolean;

const POSIX: Readonly<Record<string, RegExp>> = {
  alnum: /^[0-9A-Za-z]$/,
  alpha: /^[A-Za-z]$/,
  ascii: /^[\0-\x7F]$/,
  blank: /^[\t ]$/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the class is these
  cntrl: /^[\0-\x1F\x7F]$/,
  digit: /^[0-9]$/,
  graph: /^[!-~]$/,
  lower: /^[a-z]$/,
  print: /^[ -~]$/,
  punct: /^[!-/:-@[-`{-~]$/,
  space: /^[\t\n\v\f\r ]$/,
  upper: /^[A-Z]$/,
  word: /^[0-9A-Za-z_]$/,
  xdigit: /^[0-9A-Fa-f]$/,
};

/** One character. */
export function classOf(only: string): Accepts {
  return (char) => char === only;
}

/** The class in either case. */
export function foldedClass(accepts: Accepts): Accepts {
  return (char) => accepts(char) || accepts(char.toLowerCase()) || accepts(char.toUpperCase());
}

/** `[:name:]`; undefined: there is none of that name. */
export function posixClass(name: string): Accepts | undefined {
  const pattern = Object.hasOwn(POSIX, name) ? POSIX[name]! : undefined;
  return pattern && ((char) => pattern.test(char));
}

/** `\p{name}`: a general category or a script; undefined: there is none of that name. */
export function unicodeClass(name: string): Accepts | undefined {
  if (name === "Any") return () => true;
  const property = /^[A-Z][a-z]?$/.test(name) ? `General_Category=${name}` : `Script=${name}`;
  try {
    const pattern = new RegExp(`^\\p{${property}}$`, "u");
    return (char) => pattern.test(char);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
