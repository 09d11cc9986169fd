import {
  type OptionValue,
  type ProtoConstant,
  type ProtoEnum,
  type ProtoExtend,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoOption,
  type ProtoRange,
  type ProtoType,
  SCALARS,
} from "./proto-file.js";
import { joined, type ProtoTypes } from "./proto-types.js";

/**
 * The normal form of a file: what has tags or names is sorted by them, and types have full names with a leading dot.
 *
 * @throws SchemaFault validation, for a type that there is not
 */
export function normalProto(file: ProtoFile, types: ProtoTypes): ProtoFile {
  const space = file.package ?? "";
  return {
    ...file,
    syntax: file.syntax === "proto3" ? "proto3" : undefined,
    imports: sortedTexts(file.imports),
    publicImports: sortedTexts(file.publicImports),
    options: normalOptions(file.options),
    messages: file.messages.map((message) => normalMessage(message, space, types)),
    enums: file.enums.map(normalEnum),
    extends: normalExtends(file.extends, space, types),
    services: file.services.map((service) => ({
      ...service,
      options: normalOptions(service.options),
      rpcs: service.rpcs.map((rpc) => ({
        ...rpc,
        request: absolute(rpc.request, space, types),
        response: absolute(rpc.response, space, types),
        options: normalOptions(rpc.options),
      })),
    })),
  };
}

function normalMessage(message: ProtoMessage, space: string, types: ProtoTypes): ProtoMessage {
  const scope = joined(space, message.name);
  const entries = new Map(message.messages.filter(isMapEntry).map((each) => [joined(scope, each.name), each]));
  const field = (each: ProtoField) => normalField(each, scope, types, entries);
  const oneofs = message.oneofs
    .filter(({ fields }) => fields.length > 0)
    .map((each) => ({ ...each, options: normalOptions(each.options), fields: byTag(each.fields.map(field)) }))
    .sort((a, b) => a.fields[0]!.tag - b.fields[0]!.tag);
  return {
    name: message.name,
    reserved: normalRanges(message.reserved),
    options: normalOptions(message.options),
    fields: byTag(message.fields.map(field)),
    oneofs,
    extensions: normalRanges(message.extensions),
    extends: normalExtends(message.extends, scope, types),
    messages: message.messages.filter((each) => !isMapEntry(each)).map((each) => normalMessage(each, scope, types)),
    enums: message.enums.map(normalEnum),
  };
}

function normalField(
  field: ProtoField,
  scope: string,
  types: ProtoTypes,
  entries: ReadonlyMap<string, ProtoMessage> = new Map(),
): ProtoField {
  const { type } = field;
  const options = normalOptions(field.options);
  if (typeof type !== "string") return { ...field, options, type: normalMap(type, scope, types) };
  if (SCALARS.includes(type)) return { ...field, options };
  const name = types.resolve(type, scope);
  const entry = entries.get(name);
  if (!entry) return { ...field, options, type: `.${name}` };
  const typeOf = (part: string) => entry.fields.find((each) => each.name === part)?.type;
  const map = { key: String(typeOf("key")), value: String(typeOf("value")) };
  return { ...field, label: undefined, options, type: normalMap(map, name, types) };
}

function normalMap({ key, value }: Exclude<ProtoType, string>, scope: string, types: ProtoTypes): ProtoType {
  return { key, value: SCALARS.includes(value) ? value : absolute(value, scope, types) };
}

function normalEnum(of: ProtoEnum): ProtoEnum {
  const byTagAndName = (a: ProtoConstant, b: ProtoConstant) => a.tag - b.tag || (a.name < b.name ? -1 : 1);
  return {
    ...of,
    options: normalOptions(of.options),
    reserved: normalRanges(of.reserved),
    constants: of.constants.map((each) => ({ ...each, options: normalOptions(each.options) })).sort(byTagAndName),
  };
}

/** Blocks that extend the same type are one. */
function normalExtends(blocks: readonly ProtoExtend[], scope: string, types: ProtoTypes): ProtoExtend[] {
  const merged = new Map<string, ProtoField[]>();
  for (const { name, fields } of blocks) {
    const target = absolute(name, scope, types);
    merged.set(target, [...(merged.get(target) ?? []), ...fields.map((field) => normalField(field, scope, types))]);
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, fields]) => ({ name, fields: byTag(fields) }));
}

/** One range for each line, tags before names. */
function normalRanges(lines: readonly (readonly ProtoRange[])[]): ProtoRange[][] {
  const order = (range: ProtoRange) => (typeof range === "string" ? Number.POSITIVE_INFINITY : range.from);
  return lines
    .flat()
    .sort((a, b) => {
      const [one, other] = [order(a), order(b)];
      if (one === other) return String(a) < String(b) ? -1 : 1;
      return one < other ? -1 : 1;
    })
    .map((range) => [range]);
}

/** Options by their name. What is set inside of an extension becomes a message of it. */
function normalOptions(options: readonly ProtoOption[]): ProtoOption[] {
  return options
    .map(({ name, value }): ProtoOption => {
      const [, extension, path] = /^(\([^)]*\))\.(.+)$/s.exec(name) ?? [];
      if (extension === undefined || path === undefined) return { name, value: normalValue(value) };
      const nested = path
        .split(".")
        .reverse()
        .reduce<OptionValue>((inner, key) => ({ kind: "map", entries: [[key, inner]] }), normalValue(value));
      return { name: extension, value: nested };
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** A list of a single message is the message, and keys are sorted. */
function normalValue(value: OptionValue): OptionValue {
  if (value.kind === "map") {
    const entries = value.entries.map(([key, item]) => [key, normalValue(item)] as const);
    return { kind: "map", entries: entries.sort(([a], [b]) => (a < b ? -1 : 1)) };
  }
  if (value.kind !== "list") return value;
  const items = value.items.map(normalValue);
  return items.length === 1 && items[0]!.kind === "map" ? items[0]! : { kind: "list", items };
}

export function isMapEntry({ options }: ProtoMessage): boolean {
  return options.some(({ name, value }) => name === "map_entry" && value.kind === "word" && value.text === "true");
}

function absolute(name: string, scope: string, types: ProtoTypes): string {
  return `.${types.resolve(name, scope)}`;
}

function byTag<T extends { readonly tag: number }>(fields: readonly T[]): T[] {
  return [...fields].sort((a, b) => a.tag - b.tag);
}

function sortedTexts(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
