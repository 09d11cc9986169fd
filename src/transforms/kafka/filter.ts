import type { Transformation } from "../../api/index.js";

/** Drops every record that its predicate lets through (KIP-585). */
export class Filter implements Transformation {
  readonly config = {};

  configure(): void {
    // No settings.
  }

  apply(): null {
    return null;
  }
}
