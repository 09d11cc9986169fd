import { DataError } from "../errors.js";

/** Adds a field's name to an error. Called once per level of nesting, it builds a path such as `after.total`. */
export function withField(error: unknown, name: string | undefined): unknown {
  if (!(error instanceof DataError) || name === undefined) return error;
  const [, message = error.message, path] = /^(.*), in field "(.*)"$/s.exec(error.message) ?? [];
  const whole = path === undefined ? name : `${name}.${path}`;
  return new DataError(error.code, `${message}, in field "${whole}"`, { cause: error.cause ?? error });
}
