import { decimalText } from "../json/java-numbers.js";
import { isObject, type Json, sortedJson } from "../json/json-value.js";
import { JsonFault, readJson } from "../json/read-json.js";
import { writeJson } from "../json/write-json.js";
import { type ParsedSchema, type ReferenceTexts, SchemaFault, type SchemaKind } from "../schema/schema-text.js";
import { differenceLine } from "./difference.js";
import { JsonSchemaDocuments } from "./json-schema-documents.js";
import { checkJsonSchema } from "./json-schema-faults.js";
import { schemaDifferences } from "./schema-comparison.js";
import { SchemaShapes } from "./schema-shape.js";

/** JSON Schemas, of drafts 4 to 2020-12. */
export const jsonKind: SchemaKind = {
  parse(text, references) {
    return new ParsedJson(jsonOf(text), references);
  },
  faults(update, original, isLenient) {
    return schemaDifferences(shapesOf(original), shapesOf(update), isLenient).map(differenceLine);
  },
};

class ParsedJson implements ParsedSchema {
  readonly type = "JSON";
  readonly text: string;

  constructor(
    readonly json: Json,
    readonly references: ReferenceTexts,
  ) {
    this.text = writeJson(json, decimalText);
  }

  validate(): void {
    checkJsonSchema(this.documents());
  }

  normalized(): ParsedSchema {
    return new ParsedJson(sortedJson(this.json), this.references);
  }

  isEquivalent(other: ParsedSchema): boolean {
    return other instanceof ParsedJson && this.text === other.text;
  }

  formatted(): string {
    return this.text;
  }

  get fields(): readonly string[] {
    const properties = isObject(this.json) ? this.json.get("properties") : undefined;
    return isObject(properties) ? [...properties.keys()] : [];
  }

  documents(): JsonSchemaDocuments {
    return new JsonSchemaDocuments(this.json, this.references);
  }
}

function jsonOf(text: string): Json {
  try {
    return readJson(text);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw new SchemaFault(`Invalid JSON: ${error.message}`);
  }
}

function shapesOf(parsed: ParsedSchema): SchemaShapes {
  if (!(parsed instanceof ParsedJson)) throw new TypeError("not a JSON Schema");
  return new SchemaShapes(parsed.documents());
}
