import type { LogLevel } from "../base/logger.js";
import type { Endpoint } from "./handler.js";

/** What a broker in a thread of its own is started with. */
export interface BrokerThreadData {
  readonly dataDir: string;
  readonly listen: string | undefined;
  readonly listenInside: boolean;
  readonly properties: Readonly<Record<string, string>>;
  readonly logLevel: LogLevel;
}

/** From the thread to whoever started it. */
export type BrokerThreadReport =
  | {
      readonly kind: "ready";
      readonly host: string;
      readonly port: number;
      readonly inside: Endpoint | undefined;
      readonly clusterId: string;
    }
  /** The start failed; `name` is the error's class. */
  | { readonly kind: "failed"; readonly name: string; readonly message: string }
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "closed" };

/** To the thread: stop cleanly. It answers `closed` and ends. */
export interface BrokerThreadOrder {
  readonly kind: "close";
}
