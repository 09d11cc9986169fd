import type {
  OptionValue,
  ProtoEnum,
  ProtoExtend,
  ProtoField,
  ProtoFile,
  ProtoMessage,
  ProtoOneof,
  ProtoOption,
  ProtoRange,
  ProtoRpc,
  ProtoService,
} from "./proto-file.js";

/** The canonical text of a file: all messages, then all enums, then what extends others, then services. */
export function printProto(file: ProtoFile): string {
  const parts = [
    file.syntax === undefined ? "" : `syntax = "${file.syntax}";\n`,
    file.package === undefined ? "" : `package ${file.package};\n`,
  ];
  const imports = [
    ...file.imports.map((path) => `import "${path}";\n`),
    ...file.publicImports.map((path) => `import public "${path}";\n`),
  ];
  const groups = [
    imports,
    file.options.map(optionDeclaration),
    [...file.messages.map(message), ...file.enums.map(enumeration)],
    file.extends.map(extension),
    file.services.map(service),
  ];
  for (const group of groups) if (group.length > 0) parts.push("\n", ...group);
  return parts.join("");
}

function message(of: ProtoMessage): string {
  return block(`message ${of.name}`, [
    of.reserved.map((ranges) => `reserved ${ranges.map(range).join(", ")};\n`),
    of.options.map(optionDeclaration),
    of.fields.map(field),
    of.oneofs.map(oneof),
    of.extensions.map((ranges) => `extensions ${ranges.map(range).join(", ")};\n`),
    of.extends.map(extension),
    [...of.messages.map(message), ...of.enums.map(enumeration)],
  ]);
}

/** Groups of members, with a blank line between them. */
function block(head: string, groups: readonly (readonly string[])[]): string {
  const bodies = groups.filter((group) => group.length > 0).map((group) => `\n${group.map(indented).join("")}`);
  return `${head} {${bodies.join("")}}\n`;
}

/** Every line one step further in, blank ones, too. */
function indented(text: string): string {
  const lines = text.replace(/\n+$/, "").split("\n");
  return lines.map((line) => `  ${line}\n`).join("");
}

function field({ label, type, name, tag, options }: ProtoField): string {
  const typeText = typeof type === "string" ? type : `map<${type.key}, ${type.value}>`;
  return `${label === undefined ? "" : `${label} `}${typeText} ${name} = ${tag}${bracketed(lastOptions(options))};\n`;
}

/** What a field says of itself follows what others say of it. */
function lastOptions(options: readonly ProtoOption[]): readonly ProtoOption[] {
  const own = (name: string) => options.filter((option) => option.name === name);
  const others = options.filter(({ name }) => name !== "default" && name !== "json_name");
  return [...others, ...own("default"), ...own("json_name")];
}

function oneof({ name, options, fields }: ProtoOneof): string {
  return block(`oneof ${name}`, [options.map(optionDeclaration), fields.map(field)]);
}

function enumeration({ name, options, reserved, constants }: ProtoEnum): string {
  return block(`enum ${name}`, [
    reserved.map((ranges) => `reserved ${ranges.map(range).join(", ")};\n`),
    [
      ...options.map(optionDeclaration),
      ...constants.map((each) => `${each.name} = ${each.tag}${bracketed(each.options)};\n`),
    ],
  ]);
}

function extension({ name, fields }: ProtoExtend): string {
  return block(`extend ${name}`, [fields.map(field)]);
}

function service({ name, options, rpcs }: ProtoService): string {
  return block(`service ${name}`, [options.map(optionDeclaration), rpcs.map(rpc)]);
}

function rpc({ name, request, isRequestStream, response, isResponseStream, options }: ProtoRpc): string {
  const type = (of: string, isStream: boolean) => `(${isStream ? "stream " : ""}${of})`;
  const body = options.length === 0 ? "" : ` {\n${options.map(optionDeclaration).map(indented).join("")}}`;
  return `rpc ${name} ${type(request, isRequestStream)} returns ${type(response, isResponseStream)}${body};\n`;
}

function range(of: ProtoRange): string {
  if (typeof of === "string") return quoted(of);
  return of.from === of.to ? String(of.from) : `${of.from} to ${of.to}`;
}

function optionDeclaration(option: ProtoOption): string {
  return `option ${optionText(option)};\n`;
}

function bracketed(options: readonly ProtoOption[]): string {
  if (options.length === 0) return "";
  if (options.length === 1) return ` [${optionText(options[0]!)}]`;
  return ` [\n${options.map(optionText).map(listed).join("")}]`;
}

function optionText({ name, value }: ProtoOption): string {
  return `${name} = ${valueText(value)}`;
}

function valueText(value: OptionValue): string {
  switch (value.kind) {
    case "text":
      return quoted(value.text);
    case "word":
      return value.text;
    case "list":
      return `[\n${value.items.map(valueText).map(listed).join("")}]`;
    case "map":
      return `{\n${value.entries
        .map(([key, item]) => `${key}: ${valueText(item)}`)
        .map(listed)
        .join("")}}`;
  }
}

/** An item of a list, with a comma unless it is the last. */
function listed(text: string, at: number, all: readonly string[]): string {
  return indented(at < all.length - 1 ? `${text},` : text);
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function quoted(text: string): string {
  return `"${text.replace(/["\\\n\r\t]/g, (char) => ESCAPES[char]!)}"`;
}
