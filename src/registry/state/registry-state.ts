import type { SchemaEntry } from "./schema-entry.js";
import type { ScopeConfig } from "./scope-config.js";
import { contextOf, DEFAULT_CONTEXT, parseSubject, qualified } from "./subject-name.js";

interface ContextState {
  readonly entriesOfId: Map<number, Set<SchemaEntry>>;
  readonly idOfGuid: Map<string, number>;
  /** Never goes back, not even when the highest id is removed. */
  highestId: number;
}

/** What a registry knows: every answer to a read comes from here. The fold of `_schemas` alone changes it. (I6) */
export class RegistryState {
  readonly #subjects = new Map<string, Map<number, SchemaEntry>>();
  readonly #contexts = new Map<string, ContextState>();
  readonly #named = new Set<string>([DEFAULT_CONTEXT]);
  readonly #referrers = new Map<string, Set<SchemaEntry>>();
  readonly #configs = new Map<string, ScopeConfig>();
  readonly #modes = new Map<string, string>();

  /** Qualified names of all subjects, also of those whose versions are all deleted. */
  get subjects(): IterableIterator<string> {
    return this.#subjects.keys();
  }

  /** The contexts, the default one first, then by name. */
  get contexts(): readonly string[] {
    const others = [...this.#named].filter((context) => context !== DEFAULT_CONTEXT).sort();
    return [DEFAULT_CONTEXT, ...others];
  }

  hasContext(context: string): boolean {
    return this.#named.has(context);
  }

  /** The versions of a subject in ascending order, deleted ones included. */
  versions(subject: string): readonly SchemaEntry[] {
    const versions = this.#subjects.get(subject);
    return versions ? [...versions.values()].sort((a, b) => a.version - b.version) : [];
  }

  /** The versions that are not deleted, in ascending order. */
  liveVersions(subject: string): readonly SchemaEntry[] {
    return this.versions(subject).filter(({ deleted }) => !deleted);
  }

  version(subject: string, version: number): SchemaEntry | undefined {
    return this.#subjects.get(subject)?.get(version);
  }

  /** All versions that have an id of a context, in the order in which they were registered. */
  withId(context: string, id: number): readonly SchemaEntry[] {
    return [...(this.#contexts.get(context)?.entriesOfId.get(id) ?? [])];
  }

  /** The id of a content in a context. */
  idOf(context: string, guid: string): number | undefined {
    return this.#contexts.get(context)?.idOfGuid.get(guid);
  }

  /** The ids of a content, by context. */
  idsOf(guid: string): readonly { readonly context: string; readonly id: number }[] {
    const found: { context: string; id: number }[] = [];
    for (const [context, { idOfGuid }] of this.#contexts) {
      const id = idOfGuid.get(guid);
      if (id !== undefined) found.push({ context, id });
    }
    return found.sort((a, b) => (a.context < b.context ? -1 : 1));
  }

  /** The highest id that was ever seen in a context. */
  highestId(context: string): number | undefined {
    return this.#contexts.get(context)?.highestId;
  }

  /** The versions that refer to this one, deleted ones included. */
  referrers(subject: string, version: number): readonly SchemaEntry[] {
    return [...(this.#referrers.get(referenceKey(subject, version)) ?? [])];
  }

  config(scope: string): ScopeConfig | undefined {
    return this.#configs.get(scope);
  }

  mode(scope: string): string | undefined {
    return this.#modes.get(scope);
  }

  setConfig(scope: string, config: ScopeConfig | undefined): void {
    if (config) this.#configs.set(scope, config);
    else this.#configs.delete(scope);
  }

  setMode(scope: string, mode: string | undefined): void {
    if (mode === undefined) this.#modes.delete(scope);
    else this.#modes.set(scope, mode);
  }

  setContext(context: string, exists: boolean): void {
    if (exists) this.#named.add(context);
    else if (context !== DEFAULT_CONTEXT) this.#named.delete(context);
  }

  put(entry: SchemaEntry): void {
    this.remove(entry.subject, entry.version);
    const context = contextOf(entry.subject);
    const ofContext = this.#context(context);
    this.#named.add(context);
    const versions = this.#subjects.get(entry.subject) ?? new Map<number, SchemaEntry>();
    this.#subjects.set(entry.subject, versions);
    versions.set(entry.version, entry);
    addTo(ofContext.entriesOfId, entry.id, entry);
    ofContext.idOfGuid.set(entry.guid, entry.id);
    ofContext.highestId = Math.max(ofContext.highestId, entry.id);
    for (const key of referenceKeys(entry)) addTo(this.#referrers, key, entry);
  }

  remove(subject: string, version: number): void {
    const versions = this.#subjects.get(subject);
    const entry = versions?.get(version);
    if (!versions || !entry) return;
    versions.delete(version);
    if (versions.size === 0) this.#subjects.delete(subject);
    const { entriesOfId, idOfGuid } = this.#context(contextOf(subject));
    removeFrom(entriesOfId, entry.id, entry);
    if (!entriesOfId.has(entry.id) && idOfGuid.get(entry.guid) === entry.id) idOfGuid.delete(entry.guid);
    for (const key of referenceKeys(entry)) removeFrom(this.#referrers, key, entry);
  }

  /** Marks the versions up to a watermark as deleted. */
  deleteUpTo(subject: string, watermark: number): void {
    for (const entry of this.liveVersions(subject)) {
      if (entry.version <= watermark) this.put({ ...entry, deleted: true });
    }
  }

  /** Forgets the deleted versions of a subject, a context or everything. */
  clearDeleted(scope: string): void {
    for (const subject of [...this.#subjects.keys()]) {
      if (!isInScope(subject, scope)) continue;
      for (const entry of this.versions(subject)) if (entry.deleted) this.remove(subject, entry.version);
    }
  }

  /** Learns of an id that nobody has any more. */
  sawId(context: string, id: number): void {
    const ofContext = this.#context(context);
    ofContext.highestId = Math.max(ofContext.highestId, id);
  }

  #context(context: string): ContextState {
    let found = this.#contexts.get(context);
    if (!found) {
      found = { entriesOfId: new Map(), idOfGuid: new Map(), highestId: 1 };
      this.#contexts.set(context, found);
    }
    return found;
  }
}

/** Whether a subject belongs to a scope: itself, its context (`:.ctx:`), or the top level of the default context. */
export function isInScope(subject: string, scope: string): boolean {
  if (subject === scope) return true;
  const { context, name } = parseSubject(scope);
  return name === "" && context === contextOf(subject);
}

function referenceKeys({ subject, references }: SchemaEntry): string[] {
  return references.map((each) => referenceKey(qualified(each.subject, contextOf(subject)), each.version));
}

function referenceKey(subject: string, version: number): string {
  return `${version} ${subject}`;
}

function addTo<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const found = map.get(key);
  if (found) found.add(value);
  else map.set(key, new Set([value]));
}

function removeFrom<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const found = map.get(key);
  found?.delete(value);
  if (found?.size === 0) map.delete(key);
}
