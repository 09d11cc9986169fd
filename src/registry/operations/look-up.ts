import { guidOf } from "../schema/schema-identity.js";
import type { Metadata, ParsedSchema, SchemaReference } from "../schema/schema-text.js";
import type { RegistryState } from "../state/registry-state.js";
import type { SchemaEntry } from "../state/schema-entry.js";
import { contextOf, DEFAULT_CONTEXT, formatSubject, hasContext, parseSubject } from "../state/subject-name.js";
import type { ParsedSchemas } from "./parsed-schemas.js";
import { REFUSALS } from "./registry-error.js";

/** A schema with everything that makes its identity. */
export interface Content {
  readonly parsed: ParsedSchema;
  readonly references: readonly SchemaReference[];
  readonly metadata: Metadata | undefined;
}

export const VERSION_PROPERTY = "confluent:version";

/** The newest version of a subject with this content, in whatever spelling; undefined if there is none. */
export function findVersion(
  state: RegistryState,
  schemas: ParsedSchemas,
  subject: string,
  content: Content,
  withDeleted: boolean,
): SchemaEntry | undefined {
  const versions = (withDeleted ? state.versions(subject) : state.liveVersions(subject)).toReversed();
  const { parsed, references, metadata } = content;
  const guid = guidOf({ text: parsed.text, references, metadata });
  return (
    versions.find((entry) => entry.guid === guid && entry.schemaType === parsed.type) ??
    versions.find((entry) => isSame(entry, content, schemas, contextOf(subject)))
  );
}

function isSame(
  entry: SchemaEntry,
  { parsed, references, metadata }: Content,
  schemas: ParsedSchemas,
  context: string,
) {
  if (entry.schemaType !== parsed.type || !isSameMetadata(entry.metadata, metadata)) return false;
  const known = schemas.of(entry);
  if (isSameReferences(entry.references, references, context)) return known.isEquivalent(parsed);
  // A client may have put the texts of the references into its schema.
  return (
    references.length === 0 &&
    entry.references.length > 0 &&
    known.formatted("resolved") === parsed.formatted("resolved")
  );
}

function isSameReferences(
  one: readonly SchemaReference[],
  other: readonly SchemaReference[],
  context: string,
): boolean {
  const key = ({ name, subject, version }: SchemaReference) => {
    const place = formatSubject(parseSubject(subject, context));
    return JSON.stringify([name, place, version]);
  };
  return one.length === other.length && one.every((each, at) => key(each) === key(other[at]!));
}

/** The version among the properties does not count if only one side has it. */
function isSameMetadata(one: Metadata | undefined, other: Metadata | undefined): boolean {
  const [a, b] = [one?.properties?.[VERSION_PROPERTY], other?.properties?.[VERSION_PROPERTY]];
  const ignoresVersion = (a === undefined) !== (b === undefined);
  return metadataKey(one, ignoresVersion) === metadataKey(other, ignoresVersion);
}

function metadataKey(metadata: Metadata | undefined, ignoresVersion: boolean): string {
  const { tags = {}, properties = {}, sensitive = [] } = metadata ?? {};
  const sorted = <T>(of: Readonly<Record<string, T>>) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
  const counted = sorted(properties).filter(([key]) => !(ignoresVersion && key === VERSION_PROPERTY));
  return JSON.stringify([sorted(tags), counted, [...sensitive].sort()]);
}

/**
 * The spellings of a subject in which a read looks for it: one of no context, or of the default context, also in all
 * other contexts.
 */
export function spellingsOf(state: RegistryState, subject: string): readonly string[] {
  const { context, name } = parseSubject(subject);
  if (hasContext(subject) && context !== DEFAULT_CONTEXT) return [subject];
  return state.contexts.map((each) => formatSubject({ context: each, name }));
}

/**
 * A version of a subject, for reading.
 *
 * @param version -1: the newest
 * @throws RegistryError 40401, 40402
 */
export function readVersion(state: RegistryState, subject: string, version: number, withDeleted: boolean): SchemaEntry {
  const spellings = spellingsOf(state, subject);
  for (const spelling of spellings) {
    const versions = withDeleted ? state.versions(spelling) : state.liveVersions(spelling);
    const found = version === -1 ? versions.at(-1) : versions.find((entry) => entry.version === version);
    if (found) return found;
  }
  const isKnown = spellings.some((spelling) => hasVersions(state, spelling, withDeleted));
  throw isKnown ? REFUSALS.versionNotFound(version) : REFUSALS.subjectNotFound(spellings[0]!);
}

/** Whether a subject has versions, deleted ones only if they count. */
export function hasVersions(state: RegistryState, subject: string, withDeleted: boolean): boolean {
  return (withDeleted ? state.versions(subject) : state.liveVersions(subject)).length > 0;
}

/** The version in a path: a number, `latest`, or -1 for the same. @throws RegistryError 42202 */
export function versionOf(text: string): number {
  const trimmed = text.trim();
  if (trimmed.toLowerCase() === "latest") return -1;
  const number = /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  if (number === -1 || (number >= 1 && number < 2 ** 31)) return number;
  throw REFUSALS.invalidVersion(text);
}
