import type { RegistryState } from "../state/registry-state.js";
import type { Level } from "../state/scope-config.js";
import type { ModeTexts } from "./mode-texts.js";
import type { ParsedSchemas } from "./parsed-schemas.js";

/** What the operations know of their registry. */
export interface RegistryView {
  readonly state: RegistryState;
  readonly schemas: ParsedSchemas;
  readonly defaultLevel: Level;
  readonly texts: ModeTexts;
  /** Whether records of Avro schemas name their type, as those of 8.x do. */
  readonly hasAvroType: boolean;
}
