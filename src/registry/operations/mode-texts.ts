import { contextOf, DEFAULT_CONTEXT } from "../state/subject-name.js";

/** The texts of refusals that come from modes, of one version of the registry. */
export interface ModeTexts {
  readOnly(subject: string | null): string;
  notImport(subject: string): string;
  notReadWrite(subject: string): string;
  overwrite(id: number, context: string): string;
  readonly invalidMode: string;
}

function qualifiedContext(context: string): string {
  return context === DEFAULT_CONTEXT ? "" : `:${context}:`;
}

function place(subject: string | null): string {
  return `Subject ${subject} in context ${qualifiedContext(contextOf(subject ?? ""))}`;
}

/** Since 8.1. */
export const TEXTS_8: ModeTexts = {
  readOnly: (subject) => `${place(subject)} is in read-only mode`,
  notImport: (subject) => `${place(subject)} is not in import mode`,
  notReadWrite: (subject) => `${place(subject)} is not in read-write mode`,
  overwrite: (id, context) =>
    `Overwrite new schema with id ${id} in context ${qualifiedContext(context)} is not permitted.`,
  invalidMode: "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.",
};

/** Before 8.1. */
export const TEXTS_7: ModeTexts = {
  readOnly: (subject) => `Subject ${subject} is in read-only mode`,
  notImport: (subject) => `Subject ${subject} is not in import mode`,
  notReadWrite: (subject) => `Subject ${subject} is not in read-write mode`,
  overwrite: (id) => `Overwrite new schema with id ${id} is not permitted.`,
  invalidMode: "Invalid mode. Valid values are READWRITE, READONLY, and IMPORT.",
};
