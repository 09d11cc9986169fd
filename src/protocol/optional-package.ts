import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** An optional dependency, or the reason why it could not be loaded. */
export type OptionalPackage<T> =
  | { readonly found: T; readonly missing?: undefined }
  | { readonly found?: undefined; readonly missing: unknown };

/** Loads an optional dependency (a native package that may not exist for this platform). */
export function loadOptional<T>(name: string): OptionalPackage<T> {
  try {
    return { found: require(name) as T };
  } catch (missing) {
    return { missing };
  }
}
