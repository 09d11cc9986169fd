import {
  type ProtoEnum,
  type ProtoExtend,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoOption,
  type ProtoRange,
  SCALARS,
} from "./proto-file.js";
import { joined, type ProtoTypes } from "./proto-types.js";
import { writeWire } from "./wire-format.js";

const TYPES: Readonly<Record<string, number>> = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed64: 6,
  fixed32: 7,
  bool: 8,
  string: 9,
  bytes: 12,
  uint32: 13,
  sfixed32: 15,
  sfixed64: 16,
  sint32: 17,
  sint64: 18,
};
const MESSAGE = 11;
const ENUM = 14;
const LABELS = { optional: 1, required: 2, repeated: 3 };
const MAX_TAG = 536_870_911;

type Wire = (readonly [tag: number, value: number | string | Buffer | undefined])[];

/**
 * A file as a serialized google.protobuf.FileDescriptorProto, with the name `default`. Options are left out, but for
 * what readers need: defaults and names in JSON.
 *
 * @throws SchemaFault validation, for a type that there is not
 */
export function writeFileDescriptor(file: ProtoFile, types: ProtoTypes): Buffer {
  const writer = new DescriptorWriter(types, file.syntax === "proto3");
  const space = file.package ?? "";
  const paths = [...file.imports, ...file.publicImports];
  return writeWire([
    [1, "default"],
    [2, file.package],
    ...paths.map((path) => [3, path] as const),
    ...file.messages.map((message) => [4, writer.message(message, space)] as const),
    ...file.enums.map((each) => [5, enumeration(each)] as const),
    ...file.services.map(({ name, rpcs }) => {
      const methods = rpcs.map((rpc) => {
        const type = (of: string) => `.${types.resolve(of, space)}`;
        return writeWire([
          [1, rpc.name],
          [2, type(rpc.request)],
          [3, type(rpc.response)],
          [5, rpc.isRequestStream ? 1 : undefined],
          [6, rpc.isResponseStream ? 1 : undefined],
        ]);
      });
      return [6, writeWire([[1, name], ...methods.map((method) => [2, method] as const)])] as const;
    }),
    ...file.extends.flatMap((each) => writer.extension(each, space)).map((field) => [7, field] as const),
    ...file.publicImports.map((_, at) => [10, file.imports.length + at] as const),
    [12, file.syntax === "proto3" ? "proto3" : undefined],
  ]);
}

class DescriptorWriter {
  constructor(
    private readonly types: ProtoTypes,
    private readonly isProto3: boolean,
  ) {}

  message(message: ProtoMessage, space: string): Buffer {
    const scope = joined(space, message.name);
    const maps = message.fields.filter(({ type }) => typeof type !== "string");
    // Those of `optional` fields follow the others.
    const optional = this.isProto3 ? message.fields.filter(({ label }) => label === "optional") : [];
    const names = [...message.oneofs.map(({ name }) => name), ...optional.map(({ name }) => `_${name}`)];
    const inOneofs = message.oneofs.flatMap(({ fields }, at) => fields.map((field) => ({ field, at })));
    const fields = [
      ...message.fields.map((field) => {
        const at = optional.indexOf(field);
        return this.field(field, scope, at < 0 ? {} : { oneof: message.oneofs.length + at, isAlone: true });
      }),
      ...inOneofs.map(({ field, at }) => this.field(field, scope, { oneof: at })),
    ];
    return writeWire([
      [1, message.name],
      ...fields.map((field) => [2, field] as const),
      ...message.messages.map((each) => [3, this.message(each, scope)] as const),
      ...maps.map((field) => [3, this.#entry(field, scope)] as const),
      ...message.enums.map((each) => [4, enumeration(each)] as const),
      ...rangesOf(message.extensions).map((range) => [5, range] as const),
      ...message.extends.flatMap((each) => this.extension(each, scope)).map((field) => [6, field] as const),
      ...names.map((name) => [8, writeWire([[1, name]])] as const),
      ...rangesOf(message.reserved).map((range) => [9, range] as const),
      ...message.reserved.flat().flatMap((name) => (typeof name === "string" ? [[10, name] as const] : [])),
    ]);
  }

  extension({ name, fields }: ProtoExtend, scope: string): Buffer[] {
    return fields.map((field) => this.field(field, scope, { extendee: `.${this.types.resolve(name, scope)}` }));
  }

  field(
    { label, type, name, tag, options }: ProtoField,
    scope: string,
    { oneof, isAlone = false, extendee }: { oneof?: number; isAlone?: boolean; extendee?: string },
  ): Buffer {
    const isMap = typeof type !== "string";
    const typeName = isMap ? `.${joined(scope, entryName(name))}` : this.#typeName(type, scope);
    const number = isMap ? MESSAGE : this.#typeNumber(type, scope);
    return writeWire([
      [1, name],
      [2, extendee],
      [3, tag],
      [4, isMap ? LABELS.repeated : label && LABELS[label]],
      [5, number],
      [6, typeName],
      [7, optionOf(options, "default")],
      [9, oneof],
      [10, optionOf(options, "json_name")],
      [17, isAlone ? 1 : undefined],
    ]);
  }

  #entry({ type, name }: ProtoField, scope: string): Buffer {
    const { key, value } = type as { key: string; value: string };
    const part = (partName: string, tag: number, of: string) =>
      this.field({ label: undefined, type: of, name: partName, tag, options: [] }, scope, {});
    return writeWire([
      [1, entryName(name)],
      [2, part("key", 1, key)],
      [2, part("value", 2, value)],
      [7, writeWire([[7, 1]])],
    ]);
  }

  #typeName(type: string, scope: string): string | undefined {
    return SCALARS.includes(type) ? undefined : `.${this.types.resolve(type, scope)}`;
  }

  #typeNumber(type: string, scope: string): number {
    const scalar = TYPES[type];
    if (scalar !== undefined) return scalar;
    return this.types.get(this.types.resolve(type, scope))?.kind === "enum" ? ENUM : MESSAGE;
  }
}

function enumeration({ name, constants }: ProtoEnum): Buffer {
  const values = constants.map((constant) =>
    writeWire([
      [1, constant.name],
      [2, constant.tag],
    ]),
  );
  return writeWire([[1, name], ...values.map((value) => [2, value] as const)]);
}

function rangesOf(lines: readonly (readonly ProtoRange[])[]): Buffer[] {
  return lines.flat().flatMap((range) => {
    if (typeof range === "string") return [];
    const wire: Wire = [
      [1, range.from],
      [2, (range.to === "max" ? MAX_TAG : range.to) + 1],
    ];
    return [writeWire(wire)];
  });
}

function optionOf(options: readonly ProtoOption[], name: string): string | undefined {
  const value = options.find((option) => option.name === name)?.value;
  return value && "text" in value ? value.text : undefined;
}

function entryName(name: string): string {
  const camel = name.replace(/(?:^|_)+(.?)/g, (_, char: string) => char.toUpperCase());
  return `${camel}Entry`;
}
