/** A schema that another one uses, by the subject and version under which it is registered. */
export interface SchemaReference {
  /** What the other schema calls it: a type's full name, a URI or an import path. */
  readonly name: string;
  readonly subject: string;
  /** -1: the latest, until it is resolved. */
  readonly version: number;
}

/** What is stored beside a schema's text. Keys are sorted. */
export interface Metadata {
  readonly tags?: Readonly<Record<string, readonly string[]>>;
  readonly properties?: Readonly<Record<string, string>>;
  readonly sensitive?: readonly string[];
}

export const SCHEMA_TYPES = ["JSON", "PROTOBUF", "AVRO"] as const;
export type SchemaType = (typeof SCHEMA_TYPES)[number];

/** The texts of all references, those of references included, each before what uses it, by their names. */
export type ReferenceTexts = ReadonlyMap<string, string>;

/** A fault in the text of a schema: it does not parse, or it parses and is not valid. */
export class SchemaFault extends Error {
  constructor(
    message: string,
    readonly stage: "parsing" | "validation" = "parsing",
  ) {
    super(message);
  }
}

/** A parsed schema of one type. */
export interface ParsedSchema {
  readonly type: SchemaType;
  /** The canonical text, which is stored, hashed and answered. */
  readonly text: string;
  /** @throws SchemaFault validation, for what parsing alone does not find */
  validate(): void;
  /** The same schema in its normal form. */
  normalized(): ParsedSchema;
  /** Whether both describe the same, also in different texts. */
  isEquivalent(other: ParsedSchema): boolean;
  /** The text in another format; unknown formats are ignored. */
  formatted(format: string): string;
  /** The names of the top-level fields. */
  readonly fields: readonly string[];
}

/** How schemas of one type are read and compared. */
export interface SchemaKind {
  /**
   * @param isNew a text from a client: names and defaults must be right. Those of the store may be older than the rules.
   * @throws SchemaFault
   */
  parse(text: string, references: ReferenceTexts, isNew: boolean): ParsedSchema;
  /**
   * Why data of `original` cannot be read with `update`: one line each, in which each `%s` stands for one of both.
   *
   * @param isLenient the compatibility policy LENIENT
   */
  faults(update: ParsedSchema, original: ParsedSchema, isLenient: boolean): readonly string[];
}
