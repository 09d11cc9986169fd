import type { LogFold } from "../../stores/compacted-log.js";
import type { StoredRecord, StoreRecord } from "../../stores/log-transport.js";
import { guidOf } from "../schema/schema-identity.js";
import { modeInScope } from "./mode-in-scope.js";
import {
  type RegistryKey,
  readConfigValue,
  readKey,
  readModeValue,
  readSchemaValue,
  readWatermark,
  schemaKey,
  schemaRecord,
} from "./registry-records.js";
import { RegistryState } from "./registry-state.js";
import type { SchemaValue } from "./schema-entry.js";
import { contextOf } from "./subject-name.js";

/** Folds `_schemas`, of any registry since 3.x, into a state. (I6) */
export class RegistryFold implements LogFold {
  readonly state = new RegistryState();
  /** Records that were ignored because they are no records of a registry. */
  skipped = 0;

  /** @param onConflict called with the record that restores what a refused one would have changed */
  constructor(private readonly onConflict: (restore: StoreRecord) => void = () => {}) {}

  apply(record: StoredRecord): string | undefined {
    if (record.key === null) return this.#skip("it has no key");
    let key: RegistryKey;
    try {
      key = readKey(record.key);
    } catch (error) {
      return this.#skip(error instanceof Error ? error.message : String(error));
    }
    try {
      return this.#apply(key, record.key, record);
    } catch (error) {
      return this.#skip(`its value cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #skip(why: string): string {
    this.skipped++;
    return why;
  }

  #apply(key: RegistryKey, keyBytes: Buffer, { value, timestampMs }: StoredRecord): string | undefined {
    const { state } = this;
    switch (key.keytype) {
      case "NOOP":
      case "ASSOC":
        return undefined;
      case "CONTEXT":
        state.setContext(key.context, value !== null);
        return undefined;
      case "CONFIG":
        state.setConfig(key.subject, value === null ? undefined : readConfigValue(value));
        return undefined;
      case "MODE":
        state.setMode(key.subject, value === null ? undefined : readModeValue(value));
        return undefined;
      case "DELETE_SUBJECT":
        if (value !== null) state.deleteUpTo(key.subject, readWatermark(value));
        return undefined;
      case "CLEAR_SUBJECT":
        if (value !== null) state.clearDeleted(key.subject);
        return undefined;
      case "SCHEMA":
        if (value !== null) return this.#put(key.subject, key.version, keyBytes, readSchemaValue(value), timestampMs);
        this.#remove(key.subject, key.version, keyBytes);
        return undefined;
    }
  }

  #put(subject: string, version: number, keyBytes: Buffer, value: SchemaValue, timestampMs = -1): string | undefined {
    const { state } = this;
    const context = contextOf(subject);
    const before = state.version(subject, version);
    const holder = state
      .withId(context, value.id)
      .find((entry) => entry.schema !== value.schema && (entry.subject !== subject || entry.version !== version));
    // A former leader's last write may arrive after its successor's, which a client knows of.
    const isOverwritten =
      before !== undefined &&
      !before.deleted &&
      before.schema !== value.schema &&
      modeInScope(state, subject) !== "IMPORT";
    if (holder || isOverwritten) {
      this.onConflict(before ? schemaRecord(before, true) : { key: schemaKey(subject, version), value: null });
      return isOverwritten
        ? "the version has another schema already"
        : `id ${value.id} belongs to another schema: version ${holder?.version} of subject ${holder?.subject}`;
    }
    const own = schemaKey(subject, version);
    const known = before?.otherKeys ?? [];
    const isOther = !own.equals(keyBytes) && !known.some((bytes) => bytes.equals(keyBytes));
    state.put({
      ...value,
      subject,
      version,
      guid: guidOf({ text: value.schema, references: value.references, metadata: value.metadata }),
      timestampMs,
      // The reader's buffers are used again.
      otherKeys: isOther ? [...known, Buffer.from(keyBytes)] : known,
    });
    return undefined;
  }

  /** A version goes with its newest key: what is left of an older spelling must not take it away. */
  #remove(subject: string, version: number, keyBytes: Buffer): void {
    const entry = this.state.version(subject, version);
    if (!entry) return;
    const isOwn = schemaKey(subject, version).equals(keyBytes);
    if (isOwn || entry.otherKeys.some((bytes) => bytes.equals(keyBytes))) this.state.remove(subject, version);
  }
}
