import type { Schema, SchemaAttributes } from "../../api/index.js";

/** The attributes that a changed schema keeps: name, version, documentation, parameters; neither optional nor default. */
export function schemaBasics({ name, version, doc, parameters }: Schema): SchemaAttributes {
  return {
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(doc !== undefined && { doc }),
    ...(parameters && { parameters }),
  };
}
