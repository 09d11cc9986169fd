import { type ConfigCheck, ConfigError, javaPattern } from "../../api/index.js";

/** A Java regular expression. A missing one is complained about elsewhere. */
export const isPattern: ConfigCheck = (key, value) => {
  if (typeof value !== "string") return undefined;
  try {
    javaPattern(key, value);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
};
