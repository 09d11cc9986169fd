/** A parsed `.proto` file, in the order of its text. Comments are gone. */
export interface ProtoFile {
  /** undefined: none is written. */
  readonly syntax: "proto2" | "proto3" | undefined;
  readonly package: string | undefined;
  readonly imports: readonly string[];
  readonly publicImports: readonly string[];
  readonly options: readonly ProtoOption[];
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
  readonly extends: readonly ProtoExtend[];
  readonly services: readonly ProtoService[];
}

export interface ProtoMessage {
  readonly name: string;
  readonly reserved: readonly (readonly ProtoRange[])[];
  readonly options: readonly ProtoOption[];
  readonly fields: readonly ProtoField[];
  readonly oneofs: readonly ProtoOneof[];
  readonly extensions: readonly (readonly ProtoRange[])[];
  readonly extends: readonly ProtoExtend[];
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
}

export type ProtoLabel = "optional" | "required" | "repeated";

/** The type of a field: a name, or a map. */
export type ProtoType = string | { readonly key: string; readonly value: string };

export interface ProtoField {
  readonly label: ProtoLabel | undefined;
  readonly type: ProtoType;
  readonly name: string;
  readonly tag: number;
  readonly options: readonly ProtoOption[];
}

export interface ProtoOneof {
  readonly name: string;
  readonly options: readonly ProtoOption[];
  readonly fields: readonly ProtoField[];
}

export interface ProtoEnum {
  readonly name: string;
  readonly options: readonly ProtoOption[];
  readonly reserved: readonly (readonly ProtoRange[])[];
  readonly constants: readonly ProtoConstant[];
}

export interface ProtoConstant {
  readonly name: string;
  readonly tag: number;
  readonly options: readonly ProtoOption[];
}

export interface ProtoExtend {
  readonly name: string;
  readonly fields: readonly ProtoField[];
}

export interface ProtoService {
  readonly name: string;
  readonly options: readonly ProtoOption[];
  readonly rpcs: readonly ProtoRpc[];
}

export interface ProtoRpc {
  readonly name: string;
  readonly request: string;
  readonly isRequestStream: boolean;
  readonly response: string;
  readonly isResponseStream: boolean;
  readonly options: readonly ProtoOption[];
}

/** A reserved name, or tags from one to another. */
export type ProtoRange = string | { readonly from: number; readonly to: number | "max" };

export interface ProtoOption {
  /** With the parentheses of an extension, and with what follows them: `(a.b).c`. */
  readonly name: string;
  readonly value: OptionValue;
}

export type OptionValue =
  | { readonly kind: "text"; readonly text: string }
  /** A number, a boolean or a constant, as it is written. */
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly OptionValue[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [key: string, value: OptionValue])[] };

export const SCALARS = [
  "double",
  "float",
  "int32",
  "int64",
  "uint32",
  "uint64",
  "sint32",
  "sint64",
  "fixed32",
  "fixed64",
  "sfixed32",
  "sfixed64",
  "bool",
  "string",
  "bytes",
];
