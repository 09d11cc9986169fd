/**
 * Every stable error code of `src` and `connectors`, once: what it means and what a person does about it. The message
 * of an error names the key, table or object; this table is what documentation and support go by.
 */
export const ERROR_CODES = {
  CONFIG_INVALID: {
    text: "A configuration key has a value that cannot be used.",
    advice:
      "Correct the key that the message names; PUT /connector-plugins/{class}/config/validate checks without creating.",
  },
  CONFIG_MISSING: {
    text: "A required configuration key is absent.",
    advice: "Add the key that the message names.",
  },
  SCHEMA_INVALID: {
    text: "A schema was put together wrongly.",
    advice: "This is a fault of the plugin that made the schema: report it with the message.",
  },
  VALUE_INVALID: {
    text: "A value does not fit its schema.",
    advice:
      "See the field that the message names; with errors.tolerance=all such records go to the dead letter queue or log.",
  },
} as const satisfies Readonly<Record<string, { text: string; advice: string }>>;

/** A code of ours, or a third-party plugin's own, which starts with `PLUGIN_`. */
export type ErrorCode = keyof typeof ERROR_CODES | `PLUGIN_${string}`;
