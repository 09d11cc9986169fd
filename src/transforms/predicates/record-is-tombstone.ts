import type { ConnectRecord, Predicate } from "../../api/index.js";

/** True for records with a null value, with or without a schema (KIP-585). */
export class RecordIsTombstone implements Predicate {
  readonly config = {};

  configure(): void {
    // No settings.
  }

  test({ value }: ConnectRecord): boolean {
    return value === null;
  }
}
