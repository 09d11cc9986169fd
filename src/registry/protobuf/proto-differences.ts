import { isMapEntry } from "./normalize-proto.js";
import { type ProtoField, type ProtoFile, type ProtoMessage, SCALARS } from "./proto-file.js";
import { joined, type ProtoTypes } from "./proto-types.js";

/** A file with the types that it may name. */
export interface ProtoSide {
  readonly file: ProtoFile;
  readonly types: ProtoTypes;
}

/** Why data of `original` cannot be read with `update`, one line each. */
export function protoDifferences(original: ProtoSide, update: ProtoSide): readonly string[] {
  return new ProtoComparison(original, update).lines();
}

type DifferenceType = keyof typeof DESCRIPTIONS;

const DESCRIPTIONS = {
  PACKAGE_CHANGED: (path: string) =>
    `The package at '${path}' in the %s schema does not match the package in the %s schema`,
  MESSAGE_REMOVED: (path: string) => `The %s schema is missing a MESSAGE type at path '${path}' in the %s schema`,
  FIELD_KIND_CHANGED: (path: string) =>
    `The type of a field at path '${path}' in the %s schema does not match the %s schema`,
  FIELD_SCALAR_KIND_CHANGED: (path: string) =>
    `The kind of a SCALAR field at path '${path}' in the %s schema does not match its kind in the %s schema`,
  FIELD_NAMED_TYPE_CHANGED: (path: string) =>
    `The type of a MESSAGE field at path '${path}' in the %s schema does not match its type in the %s schema`,
  FIELD_NUMERIC_LABEL_CHANGED: (path: string) =>
    `The label for a NUMERIC field at path '${path}' in the %s schema does not match its label in the %s schema`,
  REQUIRED_FIELD_ADDED: (path: string) =>
    `A required field  at path '${path}' in the %s schema is missing in the %s schema`,
  REQUIRED_FIELD_REMOVED: (path: string) =>
    `The %s schema is missing a required field at path: '${path}' in the %s schema`,
  ONEOF_FIELD_REMOVED: (path: string) => `The %s schema is missing a oneof field at path '${path}' in the %s schema`,
  MULTIPLE_FIELDS_MOVED_TO_ONEOF: (path: string) =>
    `Multiple fields in the oneof at path '${path}' in the %s schema are outside a oneof in the %s schema`,
  FIELD_MOVED_TO_EXISTING_ONEOF: (path: string) =>
    `A field in the oneof at path '${path}' in the %s schema is outside an existing oneof in the %s schema`,
};

/** Scalars that are the same on the wire. Enums count as int32. */
const SCALAR_KINDS: Readonly<Record<string, string>> = {
  int32: "int",
  int64: "int",
  uint32: "int",
  uint64: "int",
  bool: "int",
  sint32: "sint",
  sint64: "sint",
  string: "text",
  bytes: "text",
  fixed32: "fixed32",
  sfixed32: "fixed32",
  fixed64: "fixed64",
  sfixed64: "fixed64",
  float: "float",
  double: "double",
};

interface Scoped {
  readonly message: ProtoMessage;
  /** Its full name. */
  readonly name: string;
}

class ProtoComparison {
  /** Pairs of messages that are being compared count as the same; in a search, all that it has met. */
  #open = new Set<string>();
  #isSearching = false;
  /** Pairs that are known to be the same, with everything that they lead to. */
  readonly #same = new Set<string>();

  constructor(
    private readonly original: ProtoSide,
    private readonly update: ProtoSide,
  ) {}

  lines(): string[] {
    const [before, after] = [this.original.file.package ?? "", this.update.file.package ?? ""];
    return [
      ...(before === after ? [] : [line("PACKAGE_CHANGED", "#/")]),
      ...this.#messages(this.original.file.messages, before, this.update.file.messages, after, "#"),
    ];
  }

  #messages(
    original: readonly ProtoMessage[],
    scope: string,
    update: readonly ProtoMessage[],
    updateScope: string,
    path: string,
  ): string[] {
    return original.flatMap((message) => {
      const now = update.find(({ name }) => name === message.name);
      const place = `${path}/${message.name}`;
      if (!now) return isMapEntry(message) ? [] : [line("MESSAGE_REMOVED", place)];
      const one = { message, name: joined(scope, message.name) };
      const other = { message: now, name: joined(updateScope, now.name) };
      return this.#message(one, other, place);
    });
  }

  #message(original: Scoped, update: Scoped, path: string): string[] {
    const pair = `${original.name} ${update.name}`;
    if (this.#open.has(pair) || this.#same.has(pair)) return [];
    this.#open.add(pair);
    const [one, other] = [original.message, update.message];
    const found = [
      ...this.#oneofs(original, update, path),
      ...this.#fields(original, update, path),
      ...this.#messages(one.messages, original.name, other.messages, update.name, path),
    ];
    if (!this.#isSearching) this.#open.delete(pair);
    return found;
  }

  /**
   * Whether the messages of fields are the same, apart from pairs that are being compared. A search meets each pair
   * once: messages that name each other lead to one in more ways than can be counted.
   */
  #isSame(original: Scoped, update: Scoped): boolean {
    if (this.#isSearching) return this.#message(original, update, "").length === 0;
    const met = new Set<string>();
    if (!this.#search(original, update, met)) return this.#search(original, update, new Set(this.#open));
    for (const pair of met) this.#same.add(pair);
    return true;
  }

  #search(original: Scoped, update: Scoped, met: Set<string>): boolean {
    const outer = this.#open;
    this.#open = met;
    this.#isSearching = true;
    try {
      return this.#message(original, update, "").length === 0;
    } finally {
      this.#open = outer;
      this.#isSearching = false;
    }
  }

  #oneofs(original: Scoped, update: Scoped, path: string): string[] {
    const outside = byTag(original.message.fields);
    return update.message.oneofs.flatMap((oneof) => {
      const place = `${path}/${oneof.name}`;
      const before = original.message.oneofs.find(({ name }) => name === oneof.name);
      const moved = oneof.fields.filter(({ tag }) => outside.has(tag));
      const changed = moved.flatMap((field) =>
        this.#field(outside.get(field.tag)!, original, field, update, `${place}/${field.tag}`),
      );
      if (!before) {
        return [...changed, ...(moved.length > 1 ? [line("MULTIPLE_FIELDS_MOVED_TO_ONEOF", place)] : [])];
      }
      const now = byTag(oneof.fields);
      const above = byTag(update.message.fields);
      const own = before.fields.flatMap((field) => {
        const at = `${place}/${field.tag}`;
        const same = now.get(field.tag);
        if (same) return this.#field(field, original, same, update, at);
        const top = above.get(field.tag);
        return top
          ? this.#field(field, original, top, update, `${path}/${field.tag}`)
          : [line("ONEOF_FIELD_REMOVED", at)];
      });
      return [...changed, ...moved.map(({ tag }) => line("FIELD_MOVED_TO_EXISTING_ONEOF", `${place}/${tag}`)), ...own];
    });
  }

  #fields(original: Scoped, update: Scoped, path: string): string[] {
    const [before, after] = [byTag(original.message.fields), byTag(update.message.fields)];
    const inOneof = new Set(update.message.oneofs.flatMap(({ fields }) => fields.map(({ tag }) => tag)));
    const kept = [...before.values()].flatMap((field) => {
      const place = `${path}/${field.tag}`;
      const now = after.get(field.tag);
      if (now) return this.#field(field, original, now, update, place);
      return field.label === "required" && !inOneof.has(field.tag) ? [line("REQUIRED_FIELD_REMOVED", place)] : [];
    });
    const added = [...after.values()].filter(({ tag, label }) => !before.has(tag) && label === "required");
    return [...kept, ...added.map(({ tag }) => line("REQUIRED_FIELD_ADDED", `${path}/${tag}`))];
  }

  #field(original: ProtoField, originalIn: Scoped, update: ProtoField, updateIn: Scoped, path: string): string[] {
    const [before, after] = [original.type, update.type];
    if (typeof before !== "string" || typeof after !== "string") {
      if (typeof before === "string" || typeof after === "string") return [line("FIELD_KIND_CHANGED", path)];
      return [
        ...this.#types(before.key, originalIn, after.key, updateIn, path),
        ...this.#types(before.value, originalIn, after.value, updateIn, path),
      ];
    }
    const isRelabeled = original.label !== undefined && update.label !== undefined && original.label !== update.label;
    const kind = kindOf(this.original.types, before, originalIn.name).kind;
    return [
      ...(isRelabeled && kind !== "text" && kind !== "message" ? [line("FIELD_NUMERIC_LABEL_CHANGED", path)] : []),
      ...this.#types(before, originalIn, after, updateIn, path),
    ];
  }

  #types(original: string, originalIn: Scoped, update: string, updateIn: Scoped, path: string): string[] {
    const before = kindOf(this.original.types, original, originalIn.name);
    const after = kindOf(this.update.types, update, updateIn.name);
    if ((before.kind === "message") !== (after.kind === "message")) return [line("FIELD_KIND_CHANGED", path)];
    if (before.kind !== "message") return before.kind === after.kind ? [] : [line("FIELD_SCALAR_KIND_CHANGED", path)];
    if (before.local !== after.local) return [line("FIELD_NAMED_TYPE_CHANGED", path)];
    if (!before.message || !after.message) return [];
    const one = { message: before.message, name: before.name };
    const other = { message: after.message, name: after.name };
    return this.#isSame(one, other) ? [] : [line("FIELD_NAMED_TYPE_CHANGED", path)];
  }
}

interface TypeKind {
  /** One of the scalars' kinds, or `message`. */
  readonly kind: string;
  /** The full name, and the one without its package. */
  readonly name: string;
  readonly local: string;
  readonly message?: ProtoMessage | undefined;
}

function kindOf(types: ProtoTypes, type: string, scope: string): TypeKind {
  if (SCALARS.includes(type)) return { kind: SCALAR_KINDS[type]!, name: type, local: type };
  const name = types.resolve(type, scope);
  const known = types.get(name)!;
  if (known.kind === "enum") return { kind: "int", name, local: name };
  const local = known.package === "" ? name : name.slice(known.package.length + 1);
  return { kind: "message", name, local, message: known.message };
}

function byTag(fields: readonly ProtoField[]): ReadonlyMap<number, ProtoField> {
  return new Map(fields.map((field) => [field.tag, field]));
}

function line(type: DifferenceType, path: string): string {
  return `{errorType:"${type}", description:"${DESCRIPTIONS[type](path)}"}`;
}
