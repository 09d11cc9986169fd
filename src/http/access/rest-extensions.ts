import { readFileSync } from "node:fs";
import { ConfigError } from "../../api/index.js";
import type { LoginModule } from "../../base/config/jaas.js";
import { PropertiesError, parseProperties } from "../../base/properties.js";
import type { UserModule } from "./basic-auth.js";
import { jaasEntry } from "./jaas-entry.js";

const BASIC_AUTH = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
const FILE_MODULE = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
const ENTRY = "KafkaConnect";

/** Java's system property that names the JAAS file; here a worker property, too. */
const JAAS_KEY = "java.security.auth.login.config";
const EXTENSIONS_KEY = "rest.extension.classes";

/** Java options that users of Kafka Connect set for its scripts. */
const OPTION_VARIABLES = ["KAFKA_OPTS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"];

/**
 * Reads `rest.extension.classes`: the basic auth extension, with the JAAS file and the files of users that it names.
 * Called once, at the start of a worker.
 *
 * @param jaasFile the worker property `java.security.auth.login.config`; null: from `-Djava.security.auth.login.config`
 *   in KAFKA_OPTS.
 * @returns the login modules; undefined without an extension: REST is open.
 * @throws ConfigError for other extensions and modules, and for files that are missing or malformed.
 */
export function restUsers(
  extensions: readonly string[],
  jaasFile: string | null,
  env: Readonly<Record<string, string | undefined>>,
): UserModule[] | undefined {
  if (extensions.length === 0) return undefined;
  const foreign = extensions.find((name) => name !== BASIC_AUTH && name !== "BasicAuthSecurityRestExtension");
  if (foreign !== undefined) {
    throw new ConfigError(
      EXTENSIONS_KEY,
      `Invalid value ${foreign} for configuration ${EXTENSIONS_KEY}: Java classes cannot be loaded; only ${BASIC_AUTH} is supported, and a proxy in front of REST can do other work`,
    );
  }
  const path = jaasFile ?? jaasFileOf(env);
  if (path === undefined) {
    throw new ConfigError(
      EXTENSIONS_KEY,
      `${BASIC_AUTH} needs a JAAS file with an entry ${ENTRY}: name it in the worker property ${JAAS_KEY}, or as -D${JAAS_KEY}=PATH in KAFKA_OPTS`,
      { code: "CONFIG_MISSING" },
    );
  }
  const modules = jaasEntry(JAAS_KEY, jaasText(path), ENTRY);
  if (!modules || modules.length === 0) {
    throw new ConfigError(
      JAAS_KEY,
      `Invalid value ${path} for configuration ${JAAS_KEY}: the file has no entry ${ENTRY}`,
    );
  }
  return modules.map((module) => ({ flag: module.flag, users: usersOf(module) }));
}

function jaasFileOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  for (const variable of OPTION_VARIABLES) {
    const [, quoted, plain] =
      /(?:^|\s)-Djava\.security\.auth\.login\.config=(?:"([^"]*)"|(\S+))/.exec(env[variable] ?? "") ?? [];
    if (quoted ?? plain) return quoted ?? plain;
  }
  return undefined;
}

function usersOf({ className, options }: LoginModule): ReadonlyMap<string, string> {
  if (className !== FILE_MODULE) {
    throw new ConfigError(
      JAAS_KEY,
      `Login module ${className} of ${ENTRY} is not supported: only ${FILE_MODULE} is; a proxy in front of REST can authenticate by other means`,
    );
  }
  const path = options["file"];
  if (!path) throw new ConfigError(JAAS_KEY, `${FILE_MODULE} of ${ENTRY} needs the option file="PATH"`);
  try {
    return new Map(Object.entries(parseProperties(usersText(path))));
  } catch (cause) {
    if (!(cause instanceof PropertiesError)) throw cause;
    throw new ConfigError(JAAS_KEY, `The file of users ${path} is malformed: ${cause.message}`, { cause });
  }
}

function jaasText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const message = `Invalid value ${path} for configuration ${JAAS_KEY}: the file cannot be read`;
    throw new ConfigError(JAAS_KEY, message, { cause });
  }
}

function usersText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const message = `The file of users ${path}, which the JAAS file of ${JAAS_KEY} names, cannot be read`;
    throw new ConfigError(JAAS_KEY, message, { cause });
  }
}
