import type { StoreRecord } from "../../stores/log-transport.js";
import { guidOf } from "../schema/schema-identity.js";
import type { Metadata } from "../schema/schema-text.js";
import { modeInScope } from "../state/mode-in-scope.js";
import { contextRecord, schemaRecord } from "../state/registry-records.js";
import type { RegistryState } from "../state/registry-state.js";
import type { SchemaEntry, SchemaValue } from "../state/schema-entry.js";
import { contextOf, DEFAULT_CONTEXT } from "../state/subject-name.js";
import { compatibilityFaults } from "./check-compatibility.js";
import { type Content, findVersion, VERSION_PROPERTY } from "./look-up.js";
import { normalReferences, parseSchema, resolvedReferences } from "./parse-schema.js";
import { removalRecords } from "./plan-deletion.js";
import { REFUSALS } from "./registry-error.js";
import type { RegistryView } from "./registry-view.js";
import type { SchemaRequest } from "./schema-request.js";
import { type ScopedSettings, settingsOf } from "./scoped-settings.js";

export interface RegistrationOptions {
  readonly normalize: boolean;
  /** Whether compatibility does not matter. */
  readonly force: boolean;
}

/** Either the version that has the schema already, or the records that register it, and the version that they make. */
export type Registration =
  | { readonly known: SchemaEntry }
  | { readonly records: readonly StoreRecord[]; readonly value: SchemaValue };

/**
 * The version that has the schema already, if the request asks for no other id or version. Answered by any registry of a
 * group, without its leader.
 *
 * @throws RegistryError 42201
 */
export function knownRegistration(
  view: RegistryView,
  subject: string,
  request: SchemaRequest,
  { normalize }: Pick<RegistrationOptions, "normalize">,
): SchemaEntry | undefined {
  if (request.schema.trim() === "") return undefined;
  const content = contentOf(view, subject, request, normalize);
  const found = findVersion(view.state, view.schemas, subject, content, false);
  if (!found || (request.id !== undefined && request.id !== found.id)) return undefined;
  return request.version === 0 || request.version === found.version ? found : undefined;
}

/** A request's schema, parsed strictly. @throws RegistryError 42201 */
export function contentOf(view: RegistryView, subject: string, request: SchemaRequest, normalize: boolean): Content {
  const { state } = view;
  const settings = settingsOf(state, subject, view.defaultLevel);
  const context = contextOf(subject);
  const references = resolvedReferences(state, request.references, context);
  const source = { subject, ...request, references };
  const parsed = parseSchema(state, source, settings.validatesNew);
  const { metadata } = request;
  if (!normalize && !settings.normalizes) return { parsed, references, metadata };
  return { parsed: parsed.normalized(), references: normalReferences(references), metadata };
}

/**
 * Decides what a request to register does. The leader alone calls it, with a state that has everything that is written.
 *
 * @throws RegistryError 40901, 42201, 42205
 */
export function planRegistration(
  view: RegistryView,
  subject: string,
  request: SchemaRequest,
  options: RegistrationOptions,
): Registration {
  const { state, schemas, texts } = view;
  const mode = modeInScope(state, subject);
  if (mode.startsWith("READONLY")) throw REFUSALS.notPermitted(texts.readOnly(subject));
  const isImport = mode === "IMPORT";
  if (request.id !== undefined && !isImport) throw REFUSALS.notPermitted(texts.notImport(subject));
  const settings = settingsOf(state, subject, view.defaultLevel);
  const versions = state.versions(subject);
  const live = versions.filter(({ deleted }) => !deleted);
  const version = (versions.at(-1)?.version ?? 0) + 1;
  const whole = isImport ? request : inherited(request, live.at(-1), version, settings);
  if (whole.schema.trim() === "") throw REFUSALS.invalidSchema("Empty schema");
  const content = contentOf(view, subject, whole, options.normalize);
  const known = findVersion(state, schemas, subject, content, false);
  if (known && !isOtherAsked(request, known)) return { known };
  // What is known was answered; something new needs an id.
  if (mode !== "READWRITE" && request.id === undefined) throw REFUSALS.notPermitted(texts.notReadWrite(subject));
  if (!isImport && request.version > 0 && request.version !== version) {
    throw REFUSALS.invalidSchema("Version is not one more than previous version");
  }
  if (!isImport && !options.force) requireCompatible(view, subject, content, live, settings);
  const value: SchemaValue = {
    subject,
    version: isImport && request.version > 0 ? request.version : version,
    id: idFor(view, subject, request.id, content),
    schemaType: content.parsed.type,
    references: content.references,
    metadata: content.metadata,
    ruleSet: undefined,
    md5: undefined,
    schema: content.parsed.text,
    deleted: false,
  };
  const context = contextOf(subject);
  const isNewContext = context !== DEFAULT_CONTEXT && !state.hasContext(context);
  return {
    value,
    records: [
      ...(isNewContext ? [contextRecord(context)] : []),
      schemaRecord(value, view.hasAvroType),
      // Behind it: a write that breaks off between them must not leave the id without a schema.
      ...replaced(state, versions, value).flatMap((entry) => removalRecords(entry)),
    ],
  };
}

function isOtherAsked(request: SchemaRequest, known: SchemaEntry): boolean {
  if (request.id !== undefined && request.id !== known.id) return true;
  return request.version > 0 && request.version !== known.version;
}

/** A request with what it takes over from the latest version and from the configuration. */
function inherited(
  request: SchemaRequest,
  latest: SchemaEntry | undefined,
  version: number,
  { defaultMetadata, overrideMetadata }: ScopedSettings,
): SchemaRequest {
  const isEmpty = request.schema.trim() === "";
  const text = isEmpty && latest ? latest : request;
  const own = request.metadata ?? latest?.metadata;
  const metadata = merged(merged(defaultMetadata, own), overrideMetadata);
  const isVersioned = request.version !== 0 || metadata?.properties?.[VERSION_PROPERTY] !== undefined;
  return {
    ...request,
    schema: text.schema,
    schemaType: text.schemaType,
    references: text.references,
    metadata: isVersioned ? merged(metadata, { properties: { [VERSION_PROPERTY]: String(version) } }) : metadata,
  };
}

function merged(under: Metadata | undefined, over: Metadata | undefined): Metadata | undefined {
  if (!under || !over) return under ?? over;
  const sensitive = [...new Set([...(under.sensitive ?? []), ...(over.sensitive ?? [])])];
  return {
    ...((under.tags ?? over.tags) && { tags: { ...under.tags, ...over.tags } }),
    ...((under.properties ?? over.properties) && { properties: { ...under.properties, ...over.properties } }),
    ...(sensitive.length > 0 && { sensitive }),
  };
}

function requireCompatible(
  { schemas }: RegistryView,
  subject: string,
  { parsed, metadata }: Content,
  live: readonly SchemaEntry[],
  settings: ScopedSettings,
): void {
  const earlier = live.map((entry) => ({ entry, parsed: () => schemas.of(entry) }));
  const lines = compatibilityFaults({ parsed, properties: metadata?.properties ?? {} }, earlier, settings);
  if (lines.length > 0) throw REFUSALS.incompatible(subject, lines);
}

/** The id asked for, the one that the content has in this context, or the next one. */
function idFor(view: RegistryView, subject: string, asked: number | undefined, content: Content): number {
  const { state, texts } = view;
  const context = contextOf(subject);
  if (asked === undefined) {
    const guid = guidOf({ text: content.parsed.text, references: content.references, metadata: content.metadata });
    const highest = state.highestId(context);
    return state.idOf(context, guid) ?? (highest === undefined ? 1 : highest + 1);
  }
  const holder = state.withId(context, asked).find(({ schema }) => schema !== content.parsed.text);
  if (holder) throw REFUSALS.notPermitted(texts.overwrite(asked, context));
  return asked;
}

/** Deleted versions of the same content that nobody refers to: a registration again takes their place. */
function replaced(state: RegistryState, versions: readonly SchemaEntry[], value: SchemaValue): SchemaEntry[] {
  return versions.filter(
    (entry) =>
      entry.deleted &&
      entry.id === value.id &&
      entry.version < value.version &&
      state.referrers(entry.subject, entry.version).length === 0,
  );
}
