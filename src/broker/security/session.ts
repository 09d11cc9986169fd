import type { SaslExchange } from "./sasl-exchange.js";
import type { SecurityProtocol } from "./security-protocol.js";

/** The user of a connection without authentication. */
export const ANONYMOUS = "ANONYMOUS";

/** The client of a connection is known from its socket (ANONYMOUS, or by its certificate), or authenticates by SASL. */
export type Authentication = { readonly user: string } | { readonly sasl: SaslExchange };

/** The client of one connection: its listener and its user. */
export class Session {
  constructor(
    /** The name of the listener, in upper case. */
    readonly listener: string,
    readonly protocol: SecurityProtocol,
    private readonly authentication: Authentication,
    /** Whether the client may do everything, whatever the ACLs say: the worker in this process. */
    readonly isTrusted = false,
  ) {}

  /** undefined: clients of this listener do not use SASL. */
  get sasl(): SaslExchange | undefined {
    return "sasl" in this.authentication ? this.authentication.sasl : undefined;
  }

  /** The user's name; undefined before the client has authenticated, and once its session has ended. */
  get user(): string | undefined {
    return "sasl" in this.authentication ? this.authentication.sasl.user : this.authentication.user;
  }

  /** `User:NAME`, as in ACLs; undefined like `user`. */
  get principal(): string | undefined {
    const { user } = this;
    return user === undefined ? undefined : `User:${user}`;
  }
}
