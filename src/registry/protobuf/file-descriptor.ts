import type {
  OptionValue,
  ProtoEnum,
  ProtoField,
  ProtoFile,
  ProtoMessage,
  ProtoOption,
  ProtoService,
} from "./proto-file.js";
import { readWire, type WireField } from "./wire-format.js";

/** The types of google.protobuf.FieldDescriptorProto, by their numbers. */
const TYPES: readonly (string | undefined)[] = [
  undefined,
  "double",
  "float",
  "int64",
  "uint64",
  "int32",
  "fixed64",
  "fixed32",
  "bool",
  "string",
  undefined,
  undefined,
  "bytes",
  "uint32",
  undefined,
  "sfixed32",
  "sfixed64",
  "sint32",
  "sint64",
];
const LABELS = [undefined, "optional", "required", "repeated"] as const;

/**
 * Reads a serialized google.protobuf.FileDescriptorProto, as some clients send instead of a `.proto` file.
 *
 * @throws Error for bytes that are none
 */
export function readFileDescriptor(bytes: Buffer): ProtoFile {
  const file = readWire(bytes);
  const isProto3 = textOf(file, 12) === "proto3";
  const publics = new Set(file.filter(({ tag }) => tag === 10).map(({ value }) => Number(value)));
  const imports = textsOf(file, 3);
  if (imports.length + partsOf(file, 4).length + partsOf(file, 5).length === 0 && textOf(file, 1) === undefined) {
    throw new Error("no file descriptor");
  }
  return {
    syntax: isProto3 ? "proto3" : "proto2",
    package: textOf(file, 2),
    imports: imports.filter((_, at) => !publics.has(at)),
    publicImports: imports.filter((_, at) => publics.has(at)),
    options: fileOptions(partsOf(file, 8)[0]),
    messages: partsOf(file, 4).map((message) => messageOf(message, isProto3)),
    enums: partsOf(file, 5).map(enumOf),
    extends: extendsOf(partsOf(file, 7), isProto3),
    services: partsOf(file, 6).map(serviceOf),
  };
}

type Message = readonly WireField[];

function messageOf(message: Message, isProto3: boolean): ProtoMessage {
  const fields = partsOf(message, 2);
  const nested = partsOf(message, 3).map((each) => messageOf(each, isProto3));
  const entries = new Map(nested.filter(isMapEntry).map((each) => [each.name, each]));
  const oneofs = partsOf(message, 8).map((oneof, at) => ({
    name: textOf(oneof, 1) ?? "",
    options: [],
    // An `optional` field of proto3 has a oneof of its own, which the file does not show.
    fields: fields
      .filter((field) => numberOf(field, 9) === at && numberOf(field, 17) !== 1)
      .map((field) => ({ ...fieldOf(field, isProto3, entries), label: undefined })),
  }));
  const isAlone = (field: Message) => numberOf(field, 9) === undefined || numberOf(field, 17) === 1;
  const ranges = partsOf(message, 9).map((range) => {
    // The end is exclusive here.
    const [from, to] = [numberOf(range, 1) ?? 0, (numberOf(range, 2) ?? 0) - 1];
    return [{ from, to: to >= MAX_TAG ? ("max" as const) : to }];
  });
  return {
    name: textOf(message, 1) ?? "",
    reserved: [...ranges, ...textsOf(message, 10).map((name) => [name])],
    options: flags(partsOf(message, 7)[0], { 3: "deprecated", 7: "map_entry" }),
    fields: fields.filter(isAlone).map((field) => fieldOf(field, isProto3, entries)),
    oneofs: oneofs.filter((oneof) => oneof.fields.length > 0),
    extensions: partsOf(message, 5).map((range) => {
      const [from, to] = [numberOf(range, 1) ?? 0, (numberOf(range, 2) ?? 0) - 1];
      return [{ from, to: to >= MAX_TAG ? ("max" as const) : to }];
    }),
    extends: extendsOf(partsOf(message, 6), isProto3),
    messages: nested.filter((each) => !isMapEntry(each)),
    enums: partsOf(message, 4).map(enumOf),
  };
}

const MAX_TAG = 536_870_911;

function fieldOf(field: Message, isProto3: boolean, entries: ReadonlyMap<string, ProtoMessage>): ProtoField {
  const scalar = TYPES[numberOf(field, 5) ?? 0];
  const type = scalar ?? textOf(field, 6) ?? "";
  const label = LABELS[numberOf(field, 4) ?? 0];
  const entry = scalar === undefined ? entries.get(type.slice(type.lastIndexOf(".") + 1)) : undefined;
  const [name, tag] = [textOf(field, 1) ?? "", numberOf(field, 3) ?? 0];
  const options: ProtoOption[] = flags(partsOf(field, 8)[0], { 2: "packed", 3: "deprecated" });
  const [value, jsonName] = [textOf(field, 7), textOf(field, 10)];
  if (value !== undefined) {
    const kind = scalar === "string" || scalar === "bytes" ? "text" : "word";
    options.push({ name: "default", value: { kind, text: value } });
  }
  if (jsonName !== undefined && jsonName !== camelCase(name)) {
    options.push({ name: "json_name", value: { kind: "text", text: jsonName } });
  }
  if (entry && label === "repeated") {
    const part = (of: string) => String(entry.fields.find((each) => each.name === of)?.type ?? "");
    return { label: undefined, type: { key: part("key"), value: part("value") }, name, tag, options };
  }
  const isPlain = isProto3 && label === "optional" && numberOf(field, 17) !== 1;
  return { label: isPlain ? undefined : label, type, name, tag, options };
}

function enumOf(of: Message): ProtoEnum {
  return {
    name: textOf(of, 1) ?? "",
    options: flags(partsOf(of, 3)[0], { 2: "allow_alias", 3: "deprecated" }),
    reserved: [
      ...partsOf(of, 4).map((range) => [{ from: numberOf(range, 1) ?? 0, to: numberOf(range, 2) ?? 0 }]),
      ...textsOf(of, 5).map((name) => [name]),
    ],
    constants: partsOf(of, 2).map((constant) => ({
      name: textOf(constant, 1) ?? "",
      tag: numberOf(constant, 2) ?? 0,
      options: flags(partsOf(constant, 3)[0], { 1: "deprecated" }),
    })),
  };
}

function extendsOf(fields: readonly Message[], isProto3: boolean) {
  const targets = new Map<string, ProtoField[]>();
  for (const field of fields) {
    const target = textOf(field, 2) ?? "";
    targets.set(target, [...(targets.get(target) ?? []), fieldOf(field, isProto3, new Map())]);
  }
  return [...targets].map(([name, own]) => ({ name, fields: own }));
}

function serviceOf(service: Message): ProtoService {
  return {
    name: textOf(service, 1) ?? "",
    options: flags(partsOf(service, 3)[0], { 33: "deprecated" }),
    rpcs: partsOf(service, 2).map((rpc) => ({
      name: textOf(rpc, 1) ?? "",
      request: textOf(rpc, 2) ?? "",
      isRequestStream: numberOf(rpc, 5) === 1,
      response: textOf(rpc, 3) ?? "",
      isResponseStream: numberOf(rpc, 6) === 1,
      options: flags(partsOf(rpc, 4)[0], { 33: "deprecated" }),
    })),
  };
}

const TEXT_OPTIONS: Readonly<Record<number, string>> = {
  1: "java_package",
  8: "java_outer_classname",
  11: "go_package",
  36: "objc_class_prefix",
  37: "csharp_namespace",
  39: "swift_prefix",
  40: "php_class_prefix",
  41: "php_namespace",
  44: "php_metadata_namespace",
  45: "ruby_package",
};
const FLAG_OPTIONS = {
  10: "java_multiple_files",
  16: "cc_generic_services",
  17: "java_generic_services",
  18: "py_generic_services",
  23: "deprecated",
  27: "java_string_check_utf8",
  31: "cc_enable_arenas",
};

function fileOptions(options: Message | undefined): ProtoOption[] {
  if (!options) return [];
  const texts = options.flatMap(({ tag, value }): ProtoOption[] => {
    const name = TEXT_OPTIONS[tag];
    return name !== undefined && Buffer.isBuffer(value) ? [option(name, { kind: "text", text: value.toString() })] : [];
  });
  return [...texts, ...flags(options, FLAG_OPTIONS)];
}

/** Options that are true or false. */
function flags(options: Message | undefined, names: Readonly<Record<number, string>>): ProtoOption[] {
  return (options ?? []).flatMap(({ tag, value }): ProtoOption[] => {
    const name = names[tag];
    if (name === undefined || Buffer.isBuffer(value)) return [];
    return [option(name, { kind: "word", text: String(Number(value) === 1) })];
  });
}

function option(name: string, value: OptionValue): ProtoOption {
  return { name, value };
}

function isMapEntry({ options }: ProtoMessage): boolean {
  return options.some(({ name }) => name === "map_entry");
}

/** The name in JSON that a field has unless it says another. */
function camelCase(name: string): string {
  return name.replace(/_+(.?)/g, (_, char: string) => char.toUpperCase());
}

function partsOf(message: Message, tag: number): Message[] {
  return buffersOf(message, tag).map(readWire);
}

function textsOf(message: Message, tag: number): string[] {
  return buffersOf(message, tag).map(String);
}

function buffersOf(message: Message, tag: number): Buffer[] {
  return message
    .filter((field) => field.tag === tag)
    .map(({ value }) => value)
    .filter(Buffer.isBuffer);
}

function textOf(message: Message, tag: number): string | undefined {
  return textsOf(message, tag).at(-1);
}

function numberOf(message: Message, tag: number): number | undefined {
  const found = message.findLast((field) => field.tag === tag)?.value;
  return typeof found === "bigint" ? Number(BigInt.asIntN(32, found)) : undefined;
}
