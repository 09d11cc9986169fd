import type { StoreRecord } from "../../stores/log-transport.js";
import { modeInScope } from "../state/mode-in-scope.js";
import { configRecord, deleteSubjectRecord, modeRecord, schemaKey, schemaRecord } from "../state/registry-records.js";
import type { RegistryState } from "../state/registry-state.js";
import type { SchemaEntry } from "../state/schema-entry.js";
import { REFUSALS } from "./registry-error.js";
import type { RegistryView } from "./registry-view.js";

/** The records of a deletion, and the versions that it answers. */
export interface Deletion {
  readonly records: readonly StoreRecord[];
  readonly versions: readonly number[];
}

/**
 * @param permanent removes what is deleted already; otherwise versions are marked as deleted
 * @throws RegistryError 40401, 40404, 40405, 42205, 42206
 */
export function planSubjectDeletion(view: RegistryView, subject: string, permanent: boolean): Deletion {
  const { state } = view;
  const versions = state.versions(subject);
  if (versions.length === 0) throw REFUSALS.subjectNotFound(subject);
  requireWritable(view, subject);
  const live = versions.filter(({ deleted }) => !deleted);
  if (!permanent && live.length === 0) throw REFUSALS.subjectSoftDeleted(subject);
  if (permanent && live.length > 0) throw REFUSALS.subjectNotSoftDeleted(subject);
  for (const { version } of permanent ? versions : live) {
    const others = state.referrers(subject, version).filter((entry) => entry.subject !== subject);
    if (others.some(({ deleted }) => permanent || !deleted)) throw REFUSALS.referenceExists(subject, version);
  }
  if (!permanent) {
    return {
      records: [deleteSubjectRecord(subject, live.at(-1)!.version)],
      versions: live.map(({ version }) => version),
    };
  }
  return {
    records: [...versions.toReversed().flatMap((entry) => removalRecords(entry)), ...settingsRemoval(state, subject)],
    versions: versions.map(({ version }) => version),
  };
}

/**
 * @param version -1: the newest
 * @throws RegistryError 40401, 40402, 40406, 40407, 42205, 42206
 */
export function planVersionDeletion(
  view: RegistryView,
  subject: string,
  version: number,
  permanent: boolean,
): Deletion {
  const { state } = view;
  const versions = state.versions(subject);
  if (versions.length === 0) throw REFUSALS.subjectNotFound(subject);
  const latest = (permanent ? undefined : versions.findLast(({ deleted }) => !deleted)) ?? versions.at(-1);
  const entry = version === -1 ? latest : versions.find((each) => each.version === version);
  if (!entry) throw REFUSALS.versionNotFound(version);
  requireWritable(view, subject);
  if (!permanent && entry.deleted) throw REFUSALS.versionSoftDeleted(subject, entry.version);
  if (permanent && !entry.deleted) throw REFUSALS.versionNotSoftDeleted(subject, entry.version);
  if (state.referrers(subject, entry.version).some(({ deleted }) => permanent || !deleted)) {
    throw REFUSALS.referenceExists(subject, entry.version);
  }
  const records = permanent
    ? [...removalRecords(entry), ...(versions.length === 1 ? settingsRemoval(state, subject) : [])]
    : [schemaRecord({ ...entry, deleted: true }, view.hasAvroType)];
  return { records, versions: [entry.version] };
}

/** Removes a version under every key that it was read with: a key in an older spelling would bring it back. */
export function removalRecords({ subject, version, otherKeys }: SchemaEntry): StoreRecord[] {
  return [...otherKeys, schemaKey(subject, version)].map((key) => ({ key, value: null }));
}

function settingsRemoval(state: RegistryState, subject: string): StoreRecord[] {
  return [
    ...(state.mode(subject) === undefined ? [] : [modeRecord(subject, undefined)]),
    ...(state.config(subject) === undefined ? [] : [configRecord(subject, undefined)]),
  ];
}

function requireWritable({ state, texts }: RegistryView, subject: string): void {
  if (modeInScope(state, subject).startsWith("READONLY")) throw REFUSALS.notPermitted(texts.readOnly(subject));
}
