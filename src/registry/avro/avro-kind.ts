import { isSameJson } from "../json/json-value.js";
import { writeJson } from "../json/write-json.js";
import type { ParsedSchema, ReferenceTexts, SchemaKind } from "../schema/schema-text.js";
import { avroFaultLine, avroFaults } from "./avro-compatibility.js";
import { type AvroNames, type AvroRules, parseAvro } from "./avro-parser.js";
import { printAvro } from "./avro-printer.js";
import type { AvroSchema } from "./avro-schema.js";
import { comparedAvro, normalAvro } from "./normalize-avro.js";

/** Avro schemas. */
export const avroKind: SchemaKind = {
  parse(text, references, isNew) {
    const names = namesOf(references);
    const known = [...names.keys()];
    return new ParsedAvro(parseAvro(text, names, { isStrict: isNew }), known, references);
  },
  faults(update, original) {
    return avroFaults(schemaOf(update), schemaOf(original)).map(avroFaultLine);
  },
};

const OF_STORE: AvroRules = { isStrict: false };

class ParsedAvro implements ParsedSchema {
  readonly type = "AVRO";
  readonly text: string;

  constructor(
    readonly schema: AvroSchema,
    private readonly known: readonly string[],
    private readonly references: ReferenceTexts,
  ) {
    this.text = printAvro(schema, known);
  }

  validate(): void {}

  normalized(): ParsedSchema {
    const text = writeJson(normalAvro(this.schema, this.known));
    return new ParsedAvro(parseAvro(text, namesOf(this.references), OF_STORE), this.known, this.references);
  }

  isEquivalent(other: ParsedSchema): boolean {
    return other instanceof ParsedAvro && isSameJson(comparedAvro(this.schema), comparedAvro(other.schema));
  }

  formatted(format: string): string {
    return format === "resolved" ? printAvro(this.schema) : this.text;
  }

  get fields(): readonly string[] {
    return this.schema.type === "record" ? this.schema.fields.map(({ name }) => name) : [];
  }
}

function namesOf(references: ReferenceTexts): AvroNames {
  const names: AvroNames = new Map();
  for (const text of references.values()) parseAvro(text, names, OF_STORE);
  return names;
}

function schemaOf(parsed: ParsedSchema): AvroSchema {
  if (parsed instanceof ParsedAvro) return parsed.schema;
  throw new TypeError("not an Avro schema");
}
