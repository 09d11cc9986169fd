import { type ParsedSchema, type ReferenceTexts, SchemaFault, type SchemaKind } from "../schema/schema-text.js";
import { readFileDescriptor } from "./file-descriptor.js";
import { normalProto } from "./normalize-proto.js";
import { type ProtoSide, protoDifferences } from "./proto-differences.js";
import type { ProtoFile } from "./proto-file.js";
import { parseProto } from "./proto-parser.js";
import { printProto } from "./proto-printer.js";
import { ProtoTypes } from "./proto-types.js";
import { writeFileDescriptor } from "./write-file-descriptor.js";

/** Protobuf schemas: the text of a `.proto` file, proto2 or proto3, or a serialized one in base64. */
export const protoKind: SchemaKind = {
  parse(text, references) {
    return new ParsedProto(fileOf(text), references);
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

  formatted(format: string): string {
    return format === "serialized" ? writeFileDescriptor(this.file, this.types()).toString("base64") : this.text;
  }

  get fields(): readonly string[] {
    const [first] = this.file.messages;
    return first ? [...first.fields, ...first.oneofs.flatMap(({ fields }) => fields)].map(({ name }) => name) : [];
  }

  types(): ProtoTypes {
    return new ProtoTypes(this.file, this.references);
  }
}

/** Some clients send the descriptor that their compiler has made. */
function fileOf(text: string): ProtoFile {
  try {
    return parseProto(text);
  } catch (error) {
    const isBase64 = error instanceof SchemaFault && /^[A-Za-z0-9+/]+={0,2}$/.test(text.trim());
    if (!isBase64) throw error;
    try {
      return readFileDescriptor(Buffer.from(text, "base64"));
    } catch {
      throw error;
    }
  }
}

function sideOf(parsed: ParsedSchema): ProtoSide {
  if (!(parsed instanceof ParsedProto)) throw new TypeError("not a Protobuf schema");
  return { file: parsed.file, types: parsed.types() };
}
