import { DataError } from "../../api/index.js";

/** The error with the name of the field it was about; called once per level of nesting, `after.total` comes out of it. */
export function withField(error: unknown, name: string | undefined): unknown {
  if (!(error instanceof DataError) || name === undefined) return error;
  const [, message = error.message, path] = /^(.*), in field "(.*)"$/s.exec(error.message) ?? [];
  const whole = path === undefined ? name : `${name}.${path}`;
  return new DataError(error.code, `${message}, in field "${whole}"`, { cause: error.cause ?? error });
}
