import { type ReferenceTexts, SchemaFault } from "../schema/schema-text.js";
import { KNOWN_FILES } from "./known-files.js";
import type { ProtoEnum, ProtoFile, ProtoMessage } from "./proto-file.js";
import { parseProto } from "./proto-parser.js";

/** A type that a file may name: a message with its content, or one of a known file without it, or an enum. */
export type KnownType =
  | { readonly kind: "message"; readonly message: ProtoMessage | undefined; readonly package: string }
  | { readonly kind: "enum" };

/** The types of a file and of its imports, by their full names. */
export class ProtoTypes {
  readonly #types = new Map<string, KnownType>();

  /** @throws SchemaFault for an import that is neither known nor a reference */
  constructor(file: ProtoFile, references: ReferenceTexts) {
    this.#addFile(file, references, new Set());
  }

  get(fullName: string): KnownType | undefined {
    return this.#types.get(fullName);
  }

  /**
   * The full name of a type, looked for from the innermost scope on.
   *
   * @param scope the full name around the place where it is named; "" for none.
   * @throws SchemaFault validation
   */
  resolve(name: string, scope: string): string {
    if (name.startsWith(".")) {
      if (this.#types.has(name.slice(1))) return name.slice(1);
    } else {
      for (let around = scope; ; around = around.slice(0, Math.max(0, around.lastIndexOf(".")))) {
        const found = joined(around, name);
        if (this.#types.has(found)) return found;
        if (around === "") break;
      }
    }
    throw new SchemaFault(`Could not resolve type: ${name}`, "validation");
  }

  #addFile(file: ProtoFile, references: ReferenceTexts, seen: Set<string>): void {
    const space = file.package ?? "";
    for (const message of file.messages) this.#addMessage(message, space, space);
    for (const each of file.enums) this.#addEnum(each, space);
    for (const path of [...file.imports, ...file.publicImports]) {
      if (seen.has(path)) continue;
      seen.add(path);
      const text = references.get(path);
      if (text !== undefined) this.#addFile(parseProto(text), references, seen);
      else this.#addKnown(path);
    }
  }

  #addKnown(path: string): void {
    const known = Object.hasOwn(KNOWN_FILES, path) ? KNOWN_FILES[path] : undefined;
    if (!known) throw new SchemaFault(`Could not resolve import: ${path}`, "validation");
    for (const name of known.messages) {
      this.#add(joined(known.package, name), { kind: "message", message: undefined, package: known.package });
    }
    for (const name of known.enums) this.#add(joined(known.package, name), { kind: "enum" });
  }

  #addMessage(message: ProtoMessage, space: string, packageName: string): void {
    const name = joined(space, message.name);
    this.#add(name, { kind: "message", message, package: packageName });
    for (const inner of message.messages) this.#addMessage(inner, name, packageName);
    for (const inner of message.enums) this.#addEnum(inner, name);
  }

  #addEnum({ name }: ProtoEnum, space: string): void {
    this.#add(joined(space, name), { kind: "enum" });
  }

  /** The first one of a name counts: a file's own come before those of its imports. */
  #add(name: string, type: KnownType): void {
    if (!this.#types.has(name)) this.#types.set(name, type);
  }
}

export function joined(space: string, name: string): string {
  return space === "" ? name : `${space}.${name}`;
}
