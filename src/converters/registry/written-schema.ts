import { DataError } from "../../api/index.js";
import type { RegisteredSchema, RegistryClient, SchemaText } from "../../registry-client/registry-client.js";
import { RegistryRefusal } from "../../registry-client/registry-transport.js";
import type { RegistryConverterSettings } from "./registry-converter-settings.js";

/**
 * The schema in the registry that records of `schema` are written with: the one that is registered, or the one that
 * the settings choose.
 *
 * @param isReadable whether `target` can read what `schema` writes.
 * @throws as RegistryClient; DataError when the chosen schema does not fit.
 */
export async function writtenSchema(
  client: RegistryClient,
  settings: RegistryConverterSettings,
  subject: string,
  schema: SchemaText,
  isReadable: (target: RegisteredSchema) => Promise<boolean>,
): Promise<RegisteredSchema> {
  if (settings.autoRegister) {
    const { normalize, propagateTags } = settings;
    return withRemedy(subject, client.urls[0]!, client.register(subject, schema, { normalize, propagateTags }));
  }
  const { fixedId } = settings;
  if (fixedId !== undefined) {
    const fixed = await (typeof fixedId === "number" ? client.byId(fixedId, subject) : client.byGuid(fixedId));
    if (!settings.fixedStrict || (await isReadable(fixed))) return fixed;
    throw unfit(schema, "id.compatibility.strict", "");
  }
  const { latestWithMetadata } = settings;
  if (latestWithMetadata || settings.latest) {
    const latest = await (latestWithMetadata
      ? client.latestWithMetadata(subject, latestWithMetadata)
      : client.latest(subject));
    if (!settings.latestStrict || (await isReadable(latest))) return latest;
    throw unfit(
      schema,
      "latest.compatibility.strict",
      ` The latest is version ${latest.version} of subject ${subject}.`,
    );
  }
  return withRemedy(subject, client.urls[0]!, client.lookUp(subject, schema, settings.normalize));
}

function unfit({ schemaType }: SchemaText, key: string, more: string): DataError {
  return new DataError(
    "REGISTRY_SCHEMA_REFUSED",
    `Incompatible schema of type '${schemaType}'. Set ${key}=false to disable this check.${more}`,
  );
}

/** A refusal that says what can be done about it. */
async function withRemedy(subject: string, url: string, asked: Promise<RegisteredSchema>): Promise<RegisteredSchema> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof RegistryRefusal)) throw error;
    const remedy = remedyOf(error, subject, url);
    throw remedy === undefined
      ? error
      : new RegistryRefusal(error.status, error.registryCode, `${error.message}. ${remedy}`);
  }
}

function remedyOf({ status, registryCode }: RegistryRefusal, subject: string, url: string): string | undefined {
  if (status === 409) {
    return `Undo the change of the schema; or, if all readers can do with it, allow it (PUT ${url}/config/${encodeURIComponent(subject)} with another compatibility) and restart the task`;
  }
  if (registryCode === 40401 || registryCode === 40403) {
    return `Register it under subject ${subject}, or set auto.register.schemas=true or use.latest.version=true`;
  }
  if (registryCode === 42205) return `Set the mode READWRITE (PUT ${url}/mode/${encodeURIComponent(subject)})`;
  return undefined;
}
