import type { ParsedSchema, ReferenceTexts, SchemaKind } from "../schema/schema-text.js";
import { normalProto } from "./normalize-proto.js";
import { type ProtoSide, protoDifferences } from "./proto-differences.js";
import type { ProtoFile } from "./proto-file.js";
import { parseProto } from "./proto-parser.js";
import { printProto } from "./proto-printer.js";
import { ProtoTypes } from "./proto-types.js";

/** Protobuf schemas: the text of a `.proto` file, proto2 or proto3. */
export const protoKind: SchemaKind = {
  parse(text, references) {
    return new ParsedProto(parseProto(text), references);
  },
  faults(update, original) {
    return protoDifferences(sideOf(original), sideOf(update));
  },
};

class ParsedProto implements ParsedSchema {
  readonly type = "PROTOBUF";
  readonly text: string;

  constructor(
    readonly file: ProtoFile,
    readonly references: ReferenceTexts,
  ) {
    this.text = printProto(file);
  }

  /** The normal form needs every type. */
  validate(): void {
    this.normalized();
  }

  normalized(): ParsedSchema {
    return new ParsedProto(normalProto(this.file, this.types()), this.references);
  }

  isEquivalent(other: ParsedSchema): boolean {
    return other instanceof ParsedProto && this.text === other.text;
  }

  formatted(): string {
    return this.text;
  }

  get fields(): readonly string[] {
    const [first] = this.file.messages;
    return first ? [...first.fields, ...first.oneofs.flatMap(({ fields }) => fields)].map(({ name }) => name) : [];
  }

  types(): ProtoTypes {
    return new ProtoTypes(this.file, this.references);
  }
}

function sideOf(parsed: ParsedSchema): ProtoSide {
  if (!(parsed instanceof ParsedProto)) throw new TypeError("not a Protobuf schema");
  return { file: parsed.file, types: parsed.types() };
}
