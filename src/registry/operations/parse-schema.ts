import { JsonFault } from "../json/read-json.js";
import {
  type Metadata,
  type ParsedSchema,
  type ReferenceTexts,
  SchemaFault,
  type SchemaReference,
  type SchemaType,
} from "../schema/schema-text.js";
import type { RegistryState } from "../state/registry-state.js";
import { contextOf, qualified } from "../state/subject-name.js";
import { REFUSALS, RegistryError } from "./registry-error.js";
import { SCHEMA_KINDS } from "./schema-kinds.js";

/** A schema with what it refers to. */
export interface SchemaSource {
  readonly subject: string;
  readonly schema: string;
  readonly schemaType: SchemaType;
  readonly references: readonly SchemaReference[];
  readonly metadata?: Metadata | undefined;
  readonly version?: number;
  readonly id?: number | undefined;
}

/**
 * Parses a schema with its references.
 *
 * @param isNew from a client, and to be checked strictly
 * @throws RegistryError 42201
 */
export function parseSchema(state: RegistryState, source: SchemaSource, isNew: boolean): ParsedSchema {
  const kind = SCHEMA_KINDS[source.schemaType];
  const described = () =>
    `Invalid schema ${describe(source)} with refs ${list(source.references)} of type ${source.schemaType}`;
  try {
    const texts = referenceTexts(state, source.references, contextOf(source.subject));
    const parsed = kind.parse(source.schema, texts, isNew);
    if (isNew) parsed.validate();
    return parsed;
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    // The stack's end: trying again would not help the client.
    if (error instanceof RangeError) throw REFUSALS.invalidSchema("Invalid schema: it is nested too deeply", error);
    // A JSON Schema may refer to what is none.
    if (error instanceof JsonFault) throw REFUSALS.invalidSchema(`Invalid schema: ${error.message}`, error);
    if (!(error instanceof SchemaFault)) throw error;
    if (error.stage === "validation") {
      throw REFUSALS.invalidSchema(`Invalid schema ${describe(source)}, details: ${error.message}`, error);
    }
    throw REFUSALS.invalidSchema(
      `Invalid schema of type ${source.schemaType}, details: ${described()}, details: ${error.message}`,
      error,
    );
  }
}

/**
 * The references with -1 for the latest version replaced by it, and without repetitions.
 *
 * @throws RegistryError 42201 for one that does not exist
 */
export function resolvedReferences(
  state: RegistryState,
  references: readonly SchemaReference[],
  context: string,
): readonly SchemaReference[] {
  return references.map((reference) => {
    if (reference.version !== -1) return reference;
    const latest = state.liveVersions(qualified(reference.subject, context)).at(-1);
    if (!latest) throw REFUSALS.invalidSchema(missing(reference).message);
    return { ...reference, version: latest.version };
  });
}

/** References sorted by subject and version, without repetitions: part of the normal form. */
export function normalReferences(references: readonly SchemaReference[]): readonly SchemaReference[] {
  const distinct = new Map(references.map((each) => [JSON.stringify([each.name, each.subject, each.version]), each]));
  return [...distinct.values()].sort((a, b) =>
    a.subject === b.subject ? a.version - b.version : a.subject < b.subject ? -1 : 1,
  );
}

function referenceTexts(
  state: RegistryState,
  references: readonly SchemaReference[],
  context: string,
  texts = new Map<string, string>(),
): ReferenceTexts {
  for (const reference of references) {
    if (texts.has(reference.name)) continue;
    const subject = qualified(reference.subject, context);
    const entry =
      reference.version === -1 ? state.liveVersions(subject).at(-1) : state.version(subject, reference.version);
    if (!entry) throw missing(reference);
    referenceTexts(state, entry.references, contextOf(subject), texts);
    texts.set(reference.name, entry.schema);
  }
  return texts;
}

function missing({ subject, version }: SchemaReference): SchemaFault {
  return new SchemaFault(`No schema reference found for subject "${subject}" and version ${version}`);
}

function describe({ subject, version = 0, id = -1, schemaType, references, metadata, schema }: SchemaSource): string {
  const meta = metadata === undefined ? "null" : JSON.stringify(metadata);
  return `{subject=${subject},version=${version},id=${id},schemaType=${schemaType},references=${list(references)},metadata=${meta},ruleSet=null,schema=${schema}}`;
}

function list(references: readonly SchemaReference[]): string {
  return `[${references.map((each) => `{name='${each.name}', subject='${each.subject}', version=${each.version}}`).join(", ")}]`;
}
