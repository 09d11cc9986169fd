import type { LogFormat } from "../base/log/line-logger.js";
import type { LogLevel } from "../base/log/log-levels.js";
import type { InsideAddress } from "./open-listeners.js";
import type { ScramUser } from "./security/scram-user.js";

/** The start options of a broker thread. */
export interface BrokerThreadData {
  readonly dataDir: string;
  readonly listen: string | undefined;
  readonly listenInside: boolean;
  readonly properties: Readonly<Record<string, string>>;
  readonly scramUsers: readonly ScramUser[];
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** A message from the thread to its starter. */
export type BrokerThreadReport =
  | {
      readonly kind: "ready";
      readonly host: string;
      readonly port: number;
      readonly inside: InsideAddress | undefined;
      readonly clusterId: string;
    }
  /** The start failed; `name` is the error's class. */
  | { readonly kind: "failed"; readonly name: string; readonly message: string }
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "closed" };

/** A message to the thread: stop cleanly. The thread reports `closed` and ends. */
export interface BrokerThreadOrder {
  readonly kind: "close";
}
