import { ConfigError } from "../../api/index.js";

/** Which fields of a record's event are converted: these alone, or all but these. */
export interface FieldChoice {
  readonly includes: boolean;
  readonly names: ReadonlySet<string>;
}

/** Nothing is left out. */
export const EVERYTHING: FieldChoice = { includes: false, names: new Set() };
const NOTHING: FieldChoice = { includes: true, names: new Set() };

type Fields = Map<string, Set<string>>;
type Choices = ReadonlyMap<string, FieldChoice>;

/** The rules of TimezoneConverter's include.list or exclude.list, by what they name records with. */
export class TimezoneRules {
  readonly #byTopic: Choices;
  readonly #byTable: Choices;
  readonly #byEither: Choices;

  /** @param includes whether the items are those of include.list. @throws ConfigError */
  constructor(
    key: string,
    items: readonly string[],
    private readonly includes: boolean,
  ) {
    const [topics, tables, either]: readonly Fields[] = [new Map(), new Map(), new Map()];
    let kind = "";
    for (const item of items) {
      const parts = item.split(":");
      const isKind = parts.length > 1 && /^(source|topic)$/i.test(parts[0]!);
      if (parts.length > (isKind ? 3 : 2) || !parts.every((part) => /^[\w".\s-]+$/.test(part)))
        throw malformed(key, item);
      // An item without a kind has that of the one before it.
      if (isKind) kind = parts.shift()!;
      const fields = kind === "topic" ? topics! : kind === "source" ? tables! : either!;
      const names = fields.get(parts[0]!) ?? new Set();
      fields.set(parts[0]!, parts.length > 1 ? names.add(parts[1]!) : names);
    }
    const choices = (fields: Fields) =>
      new Map(
        [...fields].map(([name, names]) => {
          const all = includes ? EVERYTHING : NOTHING;
          return [name, names.size === 0 ? all : { includes, names }];
        }),
      );
    this.#byTopic = choices(topics!);
    this.#byTable = choices(tables!);
    this.#byEither = choices(either!);
  }

  /** The fields to convert in an event of this topic and table. */
  choiceOf(topic: string, table: string): FieldChoice {
    return (
      this.#byTopic.get(topic) ??
      this.#byTable.get(table) ??
      this.#byEither.get(topic) ??
      this.#byEither.get(table) ??
      (this.includes ? NOTHING : EVERYTHING)
    );
  }
}

function malformed(key: string, item: string): ConfigError {
  return new ConfigError(
    key,
    `Invalid value ${item} for configuration ${key}: a rule is source:TABLE, source:TABLE:FIELD, topic:TOPIC, topic:TOPIC:FIELD, or NAME:FIELD`,
  );
}
