import type {
  OptionValue,
  ProtoConstant,
  ProtoEnum,
  ProtoExtend,
  ProtoField,
  ProtoFile,
  ProtoLabel,
  ProtoMessage,
  ProtoOneof,
  ProtoOption,
  ProtoRange,
  ProtoRpc,
  ProtoService,
  ProtoType,
} from "./proto-file.js";
import { ProtoTokens } from "./proto-tokens.js";

const LABELS: readonly ProtoLabel[] = ["optional", "required", "repeated"];

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** Parses a `.proto` file. @throws SchemaFault */
export function parseProto(source: string): ProtoFile {
  return new ProtoParser(source).file();
}

class ProtoParser {
  readonly #tokens: ProtoTokens;

  constructor(source: string) {
    this.#tokens = new ProtoTokens(source);
  }

  file(): ProtoFile {
    const file: Mutable<ProtoFile> = {
      syntax: undefined,
      package: undefined,
      imports: [],
      publicImports: [],
      options: [],
      messages: [],
      enums: [],
      extends: [],
      services: [],
    };
    while (!this.#tokens.isAtEnd) this.#declaration(file);
    return file;
  }

  #declaration(file: Mutable<ProtoFile>): void {
    const tokens = this.#tokens;
    if (tokens.takes(";")) return;
    const keyword = tokens.word("a declaration");
    switch (keyword) {
      case "syntax": {
        tokens.expect("=");
        const syntax = tokens.text();
        if (syntax !== "proto2" && syntax !== "proto3") throw tokens.fault(`unknown syntax ${syntax}`);
        file.syntax = syntax;
        tokens.expect(";");
        return;
      }
      case "package":
        file.package = tokens.word("a package");
        tokens.expect(";");
        return;
      case "import": {
        const isPublic = tokens.takes("public");
        if (!isPublic) tokens.takes("weak");
        (isPublic ? file.publicImports : file.imports).push(tokens.text());
        tokens.expect(";");
        return;
      }
      case "option":
        file.options.push(this.#optionDeclaration());
        return;
      case "message":
        file.messages.push(this.#message());
        return;
      case "enum":
        file.enums.push(this.#enum());
        return;
      case "extend":
        file.extends.push(this.#extend());
        return;
      case "service":
        file.services.push(this.#service());
        return;
      default:
        throw tokens.fault(`unexpected label: ${keyword}`);
    }
  }

  #message(): ProtoMessage {
    const tokens = this.#tokens;
    const message: Mutable<ProtoMessage> = {
      name: tokens.word("a name"),
      reserved: [],
      options: [],
      fields: [],
      oneofs: [],
      extensions: [],
      extends: [],
      messages: [],
      enums: [],
    };
    tokens.expect("{");
    while (!tokens.takes("}")) this.#member(message);
    return message;
  }

  #member(message: Mutable<ProtoMessage>): void {
    const tokens = this.#tokens;
    if (tokens.takes(";")) return;
    const keyword = tokens.word("a field");
    // Keywords may be names of types, too: then a name follows.
    switch (keyword) {
      case "message":
        message.messages.push(this.#message());
        return;
      case "enum":
        message.enums.push(this.#enum());
        return;
      case "extend":
        message.extends.push(this.#extend());
        return;
      case "oneof":
        message.oneofs.push(this.#oneof());
        return;
      case "option":
        message.options.push(this.#optionDeclaration());
        return;
      case "reserved":
        message.reserved.push(this.#ranges());
        return;
      case "extensions":
        message.extensions.push(this.#ranges());
        return;
      default:
        message.fields.push(this.#field(keyword));
    }
  }

  #field(first: string): ProtoField {
    const tokens = this.#tokens;
    const label = LABELS.find((each) => each === first);
    const typeName = label === undefined ? first : tokens.word("a type");
    if (typeName === "group") throw tokens.fault("groups are not supported");
    const type = this.#type(typeName);
    const name = tokens.word("a name");
    tokens.expect("=");
    const tag = tokens.integer();
    const options = this.#bracketedOptions();
    tokens.expect(";");
    return { label, type, name, tag, options };
  }

  #type(name: string): ProtoType {
    const tokens = this.#tokens;
    if (name !== "map" || !tokens.takes("<")) return name;
    const key = tokens.word("a type");
    tokens.expect(",");
    const value = tokens.word("a type");
    tokens.expect(">");
    return { key, value };
  }

  #oneof(): ProtoOneof {
    const tokens = this.#tokens;
    const oneof: Mutable<ProtoOneof> = { name: tokens.word("a name"), options: [], fields: [] };
    tokens.expect("{");
    while (!tokens.takes("}")) {
      if (tokens.takes(";")) continue;
      const keyword = tokens.word("a field");
      if (keyword === "option") oneof.options.push(this.#optionDeclaration());
      else oneof.fields.push(this.#field(keyword));
    }
    return oneof;
  }

  #enum(): ProtoEnum {
    const tokens = this.#tokens;
    const found: Mutable<ProtoEnum> = { name: tokens.word("a name"), options: [], reserved: [], constants: [] };
    tokens.expect("{");
    while (!tokens.takes("}")) {
      if (tokens.takes(";")) continue;
      const keyword = tokens.word("a constant");
      if (keyword === "option" && tokens.next !== "=") found.options.push(this.#optionDeclaration());
      else if (keyword === "reserved" && tokens.next !== "=") found.reserved.push(this.#ranges());
      else found.constants.push(this.#constant(keyword));
    }
    return found;
  }

  #constant(name: string): ProtoConstant {
    const tokens = this.#tokens;
    tokens.expect("=");
    // A minus may stand apart from its number.
    const sign = tokens.takes("-") ? -1 : 1;
    const tag = sign * tokens.integer();
    const options = this.#bracketedOptions();
    tokens.expect(";");
    return { name, tag, options };
  }

  #extend(): ProtoExtend {
    const tokens = this.#tokens;
    const found: Mutable<ProtoExtend> = { name: tokens.word("a type"), fields: [] };
    tokens.expect("{");
    while (!tokens.takes("}")) {
      if (!tokens.takes(";")) found.fields.push(this.#field(tokens.word("a field")));
    }
    return found;
  }

  #service(): ProtoService {
    const tokens = this.#tokens;
    const service: Mutable<ProtoService> = { name: tokens.word("a name"), options: [], rpcs: [] };
    tokens.expect("{");
    while (!tokens.takes("}")) {
      if (tokens.takes(";")) continue;
      if (tokens.takes("option")) service.options.push(this.#optionDeclaration());
      else {
        tokens.expect("rpc");
        service.rpcs.push(this.#rpc());
      }
    }
    return service;
  }

  #rpc(): ProtoRpc {
    const tokens = this.#tokens;
    const name = tokens.word("a name");
    const [request, isRequestStream] = this.#rpcType();
    tokens.expect("returns");
    const [response, isResponseStream] = this.#rpcType();
    const options: ProtoOption[] = [];
    if (tokens.takes("{")) {
      while (!tokens.takes("}")) {
        if (tokens.takes(";")) continue;
        tokens.expect("option");
        options.push(this.#optionDeclaration());
      }
      tokens.takes(";");
    } else {
      tokens.expect(";");
    }
    return { name, request, isRequestStream, response, isResponseStream, options };
  }

  #rpcType(): [type: string, isStream: boolean] {
    const tokens = this.#tokens;
    tokens.expect("(");
    const first = tokens.word("a type");
    const isStream = first === "stream" && tokens.next !== ")";
    const type = isStream ? tokens.word("a type") : first;
    tokens.expect(")");
    return [type, isStream];
  }

  #ranges(): ProtoRange[] {
    const tokens = this.#tokens;
    const found: ProtoRange[] = [];
    do {
      if (tokens.isText) {
        found.push(tokens.text());
        continue;
      }
      const from = tokens.integer();
      if (!tokens.takes("to")) found.push({ from, to: from });
      else found.push({ from, to: tokens.takes("max") ? "max" : tokens.integer() });
    } while (tokens.takes(","));
    this.#bracketedOptions();
    tokens.expect(";");
    return found;
  }

  #optionDeclaration(): ProtoOption {
    const option = this.#option();
    this.#tokens.expect(";");
    return option;
  }

  #bracketedOptions(): ProtoOption[] {
    const tokens = this.#tokens;
    const found: ProtoOption[] = [];
    if (!tokens.takes("[")) return found;
    do found.push(this.#option());
    while (tokens.takes(","));
    tokens.expect("]");
    return found;
  }

  #option(): ProtoOption {
    const tokens = this.#tokens;
    let name = "";
    while (!tokens.takes("=")) {
      if (tokens.takes("(")) {
        name += `(${tokens.word("a name")})`;
        tokens.expect(")");
      } else if (tokens.takes(".")) name += ".";
      else name += tokens.word("the name of an option");
    }
    return { name, value: this.#value() };
  }

  #value(): OptionValue {
    const tokens = this.#tokens;
    if (tokens.isText) return { kind: "text", text: tokens.text() };
    if (tokens.takes("{")) return this.#map("}");
    if (tokens.takes("<")) return this.#map(">");
    if (tokens.takes("[")) {
      const items: OptionValue[] = [];
      while (!tokens.takes("]")) {
        items.push(this.#value());
        tokens.takes(",");
      }
      return { kind: "list", items };
    }
    const sign = tokens.takes("-") ? "-" : "";
    return { kind: "word", text: sign + tokens.word("a value") };
  }

  /** A message in text format. A key that occurs several times has a list. */
  #map(end: string): OptionValue {
    const tokens = this.#tokens;
    const entries = new Map<string, OptionValue>();
    while (!tokens.takes(end)) {
      let key: string;
      if (tokens.takes("[")) {
        key = `[${tokens.word("a name")}]`;
        tokens.expect("]");
      } else key = tokens.word("a key");
      tokens.takes(":");
      const value = this.#value();
      if (!tokens.takes(",")) tokens.takes(";");
      const known = entries.get(key);
      if (!known) entries.set(key, value);
      else {
        const list = (of: OptionValue) => (of.kind === "list" ? of.items : [of]);
        entries.set(key, { kind: "list", items: [...list(known), ...list(value)] });
      }
    }
    return { kind: "map", entries: [...entries] };
  }
}
