/** A refusal as a client of the registry sees it. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  constructor(
    readonly status: number,
    /** Registry codes are the status with two more digits. */
    readonly code: number,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

const coded = (code: number, message: string, cause?: unknown) =>
  new RegistryError(Math.floor(code / 100), code, message, cause === undefined ? {} : { cause });

/** Every refusal of the registry, with the texts on which clients match. */
export const REFUSALS = {
  subjectNotFound: (subject: string) => coded(40401, `Subject '${subject}' not found.`),
  versionNotFound: (version: number) => coded(40402, `Version ${version} not found.`),
  schemaNotFound: (id?: number | string) =>
    coded(40403, id === undefined ? "Schema not found" : `Schema ${id} not found`),
  subjectSoftDeleted: (subject: string) =>
    coded(40404, `Subject '${subject}' was soft deleted.Set permanent=true to delete permanently`),
  subjectNotSoftDeleted: (subject: string) =>
    coded(40405, `Subject '${subject}' was not deleted first before being permanently deleted`),
  versionSoftDeleted: (subject: string, version: number) =>
    coded(40406, `Subject '${subject}' Version ${version} was soft deleted.Set permanent=true to delete permanently`),
  versionNotSoftDeleted: (subject: string, version: number) =>
    coded(40407, `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`),
  noSubjectConfig: (subject: string) =>
    coded(40408, `Subject '${subject}' does not have subject-level compatibility configured`),
  noSubjectMode: (subject: string) => coded(40409, `Subject '${subject}' does not have subject-level mode configured`),
  incompatible: (subject: string, lines: readonly string[]) =>
    coded(
      40901,
      `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${lines.join(", ")}]`,
    ),
  invalidSchema: (message: string, cause?: unknown) => coded(42201, message, cause),
  invalidVersion: (version: string) =>
    coded(
      42202,
      `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
    ),
  invalidLevel: () =>
    coded(
      42203,
      "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive",
    ),
  invalidMode: (message: string) => coded(42204, message),
  notPermitted: (message: string) => coded(42205, message),
  referenceExists: (subject: string, version: number) =>
    coded(
      42206,
      `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}.`,
    ),
  invalidSubject: (subject: string) => coded(42208, `The specified subject '${subject}' is not a valid.`),
  tooLarge: (cause?: unknown) => coded(42209, "Register operation failed because schema is too large", cause),
  contextNotEmpty: (context: string) => coded(42211, `The specified context ':${context}:' is not empty.`),
  store: (message: string, cause?: unknown) => coded(50001, message, cause),
  timeout: (message: string, cause?: unknown) => coded(50002, message, cause),
  forwarding: (message: string, cause?: unknown) => coded(50003, message, cause),
  noLeader: (message = "Leader not known.") => coded(50004, message),
  missingBody: (method: string) => new RegistryError(422, 422, `${method}.request must not be null (was null)`),
  badRequest: (message: string) => new RegistryError(400, 400, message),
  notFound: () => new RegistryError(404, 404, "HTTP 404 Not Found"),
};
