import type { RegistryState } from "./registry-state.js";
import { scopesOf } from "./subject-name.js";

/** The mode in force for a subject, in any case, as it was set. */
export function modeInScope(state: RegistryState, subject: string): string {
  for (const scope of scopesOf(subject)) {
    const mode = state.mode(scope);
    if (mode !== undefined) return mode;
  }
  return "READWRITE";
}
