/** The context of subjects that name none. */
export const DEFAULT_CONTEXT = ".";
/** Its configuration and mode are below those of all contexts. */
export const GLOBAL_CONTEXT = ".__GLOBAL";
/** Stands for all contexts, in prefixes of subjects. */
const ANY_CONTEXT = "*";
/** The scope of `/config` and `/mode` without a subject. */
export const TOP_LEVEL = "";

/** A subject with its context: `:.ctx:name`, or just `name` in the default context. */
export interface SubjectName {
  readonly context: string;
  readonly name: string;
}

/** Reads a subject; one without a context is in `context`. */
export function parseSubject(text: string, context = DEFAULT_CONTEXT): SubjectName {
  const [, own, name] = /^:(\.[^:]*|\*)(?::(.*))?$/s.exec(text) ?? [];
  return own === undefined ? { context, name: text } : { context: own, name: name ?? "" };
}

export function formatSubject({ context, name }: SubjectName): string {
  return context === DEFAULT_CONTEXT ? name : `:${context}:${name}`;
}

/** The one spelling of a subject, which keys of records use. */
export function qualified(text: string, context = DEFAULT_CONTEXT): string {
  return formatSubject(parseSubject(text, context));
}

export function contextOf(subject: string): string {
  return parseSubject(subject).context;
}

/** Whether a text names its context, the default one included. */
export function hasContext(text: string): boolean {
  return text.startsWith(":.") || text.startsWith(":*:");
}

/** Whether a subject begins with a prefix, in which `:*:` stands for all contexts. */
export function hasPrefix(subject: string, prefix: string): boolean {
  const wanted = parseSubject(prefix);
  const own = parseSubject(subject);
  return (wanted.context === ANY_CONTEXT || wanted.context === own.context) && own.name.startsWith(wanted.name);
}

/** @param isScope of a configuration or mode, which the global context may have, too */
export function isValidSubject(subject: string, isScope: boolean, rejectsEmpty = false): boolean {
  const { context, name } = parseSubject(subject);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Java's ISO control characters
  if (/[\u0000-\u001f\u007f-\u009f]/.test(subject)) return false;
  if (name === "__GLOBAL" || name === "__EMPTY") return false;
  if (context === GLOBAL_CONTEXT && !isScope) return false;
  return !rejectsEmpty || (name !== "" && context !== ANY_CONTEXT && name !== "*");
}

/** The scopes whose configuration or mode counts for a subject, the nearest first. */
export function scopesOf(subject: string): readonly string[] {
  const { context } = parseSubject(subject);
  const ofContext = context === DEFAULT_CONTEXT ? TOP_LEVEL : `:${context}:`;
  return [...new Set([subject, ofContext, `:${GLOBAL_CONTEXT}:`])];
}
