import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import type { BrokerState } from "../metadata/broker-state.js";
import {
  isScramMechanism,
  MAX_ITERATIONS,
  MIN_ITERATIONS,
  type ScramMechanism,
  saltedPassword,
  scramCredential,
} from "./scram.js";

const SALT_BYTES = 24;

/** A user of SCRAM with its password, as `--add-scram` and `--password-file` name them. */
export interface ScramUser {
  readonly name: string;
  readonly mechanism: ScramMechanism;
  readonly password: string;
  readonly iterations: number;
}

/**
 * Reads `MECHANISM=[name=USER,password=PASSWORD,iterations=COUNT]`, the form of Kafka's `kafka-storage --add-scram`, or the
 * name of a user of SCRAM-SHA-512 alone. Called for the command line.
 *
 * @param password of a user that is named without one.
 * @returns undefined if the text is not of this form, or there are two passwords or none.
 */
export function parseScramUser(text: string, password?: string): ScramUser | undefined {
  if (/^[^=[\],\s]+$/.test(text)) return parseScramUser(`SCRAM-SHA-512=[name=${text}]`, password);
  const [, mechanism = "", list = ""] = /^([^=]+)=\[(.*)\]$/s.exec(text.trim()) ?? [];
  const pairs = list.split(",").map((pair): [string, string] => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at).trim(), unquoted(pair.slice(at + 1))];
  });
  const { name, password: own, iterations = String(MIN_ITERATIONS), ...others } = Object.fromEntries(pairs);
  if (!isScramMechanism(mechanism) || !name || Object.keys(others).length > 0) return undefined;
  const given = own === undefined ? password : own;
  if (!given) return undefined;
  const count = Number(iterations);
  if (!Number.isInteger(count) || count < MIN_ITERATIONS || count > MAX_ITERATIONS) return undefined;
  return { name, mechanism, password: given, iterations: count };
}

/**
 * Adds users that do not have a password for the mechanism yet; the passwords of others stay, so that a start does not
 * undo later changes. Called before the broker listens.
 */
export async function addScramUsers(
  users: readonly ScramUser[],
  state: BrokerState,
  random: Random,
  logger: Logger,
): Promise<void> {
  for (const { name, mechanism, password, iterations } of users) {
    if (state.metadata.scramUsers.get(name)?.[mechanism]) {
      logger.info("A user of SCRAM exists already, and its password stays", { user: name, mechanism });
      continue;
    }
    const salt = random.bytes(SALT_BYTES);
    const salted = await saltedPassword(mechanism, password, salt, iterations);
    const credential = scramCredential(mechanism, salted, salt, iterations);
    await state.change({ kind: "scram-user", user: name, mechanism, credential });
    logger.info("Added a user of SCRAM", { user: name, mechanism });
  }
}

function unquoted(text: string): string {
  const trimmed = text.trim();
  return /^".*"$/s.test(trimmed) ? trimmed.slice(1, -1) : trimmed;
}
