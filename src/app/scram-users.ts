import { ConfigError } from "../api/index.js";
import { parseScramUser, type ScramUser } from "../broker/security/scram-user.js";
import { readPassword } from "./password-file.js";

const FORM =
  "SCRAM-SHA-256=[name=USER,password=PASSWORD], or SCRAM-SHA-512, with iterations=4096 to 16384; or a user's name, with its password in --password-file";

/**
 * The users of SCRAM that the command line adds. Called before the broker starts.
 *
 * @param addScram each as `--add-scram` names it.
 * @param passwordFile the password of those that are named without one; `-` is the standard input.
 * @throws ConfigError for a user of another form, and for a password file that cannot be read or is nobody's.
 */
export function scramUsers(addScram: readonly string[], passwordFile: string | undefined): ScramUser[] {
  if (passwordFile !== undefined && addScram.every((text) => parseScramUser(text) !== undefined))
    throw new ConfigError(
      "--password-file",
      addScram.length > 0
        ? "--password-file is for no user: each --add-scram has a password of its own. Leave out one of the two"
        : "--password-file needs the user whose password it is: add --add-scram USER, or leave it out",
    );
  const password = passwordFile === undefined ? undefined : readPassword(passwordFile);
  return addScram.map((text) => {
    const user = parseScramUser(text, password);
    if (user) return user;
    throw new ConfigError("--add-scram", `Invalid value [hidden] for --add-scram: expected ${FORM}`);
  });
}
