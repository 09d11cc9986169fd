import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import type { Random } from "../base/random.js";
import type { Broker, Endpoint } from "./handler.js";
import { HANDLERS } from "./handlers/handler-table.js";
import type { Interceptor } from "./interceptor.js";
import { ConnectionLimits } from "./net/connection-limits.js";
import { Dispatcher } from "./net/dispatcher.js";
import { formatEndpoint, isLoopback } from "./net/endpoint.js";
import { Listener, type ListenerContext } from "./net/listener.js";
import { MemoryBudget } from "./net/memory-budget.js";
import type { ListenerPlan } from "./net/plan-listener.js";
import type { ListenerSecurity } from "./security/listener-security.js";

const INSIDE_HOST = "127.0.0.1";
/** No listener of the properties has this name: theirs are in upper case. */
const INSIDE_NAME = "inside";

/** The listener for a worker in this process. */
export interface InsideAddress extends Endpoint {
  /** For SASL PLAIN; its client may do everything. Undefined: clients do not authenticate there. */
  readonly login: { readonly user: string; readonly password: string } | undefined;
}

/** The listeners of a broker. */
export interface OpenListeners {
  /** All of them, that for a worker in this process included. */
  readonly listeners: readonly Listener[];
  /** The first one of the properties. */
  readonly first: Endpoint;
  readonly inside: InsideAddress | undefined;
}

interface SecuredPlan {
  readonly plan: ListenerPlan;
  readonly security: ListenerSecurity;
}

interface Options {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly interceptor?: Interceptor;
  readonly listenInside?: boolean;
}

/** Opens the listeners as planned, and one on loopback if `listenInside` needs it. @throws ListenError; none is open then */
export async function openListeners(
  { clock, random, logger, interceptor, listenInside }: Options,
  plans: readonly SecuredPlan[],
  broker: Broker,
): Promise<OpenListeners> {
  const { properties, state } = broker;
  const users = {
    secret: Buffer.from(state.metadata.decoySecret, "base64"),
    credential: (mechanism: string, user: string) => state.metadata.scramUsers.get(user)?.[mechanism],
  };
  const context: ListenerContext = {
    dispatcher: new Dispatcher(broker, HANDLERS, interceptor),
    budget: new MemoryBudget(() => properties.number("queued.max.request.bytes"), clock),
    limits: new ConnectionLimits(properties, broker.quotas, logger),
    properties,
    sasl: { users, clock, random },
    clock,
    logger,
  };
  const listeners: Listener[] = [];
  try {
    for (const { plan, security } of plans) {
      const listener = await Listener.open(plan, security, context);
      listeners.push(listener);
      if (security.tls) broker.certificates.add(plan.name, security.tls, (each) => listener.useCertificates(each));
      warnOfStrangers(plan, security, listener.port, broker);
    }
    const first = { host: plans[0]!.plan.listen.host, port: listeners[0]!.port };
    if (!listenInside || !mayKeepOut(plans[0]!, broker)) return { listeners, first, inside: undefined };
    const isOpen = !broker.authorizer && plans.every(({ plan }) => plan.protocol === "PLAINTEXT");
    const login = isOpen ? undefined : { user: "worker", password: random.bytes(24).toString("base64url") };
    // Clients of the other listeners cannot keep the worker out.
    const inside = await Listener.open(insidePlan(login), insideSecurity(login), { ...context, limits: undefined });
    listeners.push(inside);
    return { listeners, first, inside: { host: INSIDE_HOST, port: inside.port, login } };
  } catch (error) {
    for (const listener of listeners) await listener.abandon();
    throw error;
  }
}

/** Whether a worker in this process might be unable to use a listener. */
function mayKeepOut({ plan }: SecuredPlan, { authorizer }: Broker): boolean {
  return plan.advertised !== undefined || plan.protocol !== "PLAINTEXT" || authorizer !== undefined;
}

function insidePlan(login: InsideAddress["login"]): ListenerPlan {
  const protocol = login ? "SASL_PLAINTEXT" : "PLAINTEXT";
  return { name: INSIDE_NAME, protocol, listen: { host: INSIDE_HOST, port: 0 }, advertised: undefined };
}

/** Without a password, other users of this machine would get around the authentication of the other listeners. */
function insideSecurity(login: InsideAddress["login"]): ListenerSecurity {
  if (!login) return { tls: undefined, sasl: undefined };
  const passwords = new Map([[login.user, login.password]]);
  return { tls: undefined, sasl: { mechanisms: ["PLAIN"], passwords, sessionMs: () => 0 }, isTrusted: true };
}

function warnOfStrangers(
  { name, protocol, listen }: ListenerPlan,
  { tls, sasl }: ListenerSecurity,
  port: number,
  { logger, authorizer }: Broker,
): void {
  if (isLoopback(listen)) return;
  const fields = { listener: name, listen: formatEndpoint({ host: listen.host, port }) };
  if (!sasl && tls?.clientAuth !== "required" && !authorizer) {
    logger.warn(
      "The broker listens beyond this machine without authentication: any client that reaches it can read, change and delete everything",
      fields,
    );
    return;
  }
  const bare = sasl?.mechanisms.filter((mechanism) => mechanism === "PLAIN" || mechanism === "OAUTHBEARER") ?? [];
  if (protocol === "SASL_PLAINTEXT" && bare.length > 0) {
    logger.warn(
      "A listener beyond this machine takes passwords or tokens that are not encrypted: use SASL_SSL, or SCRAM",
      { ...fields, mechanisms: bare.join() },
    );
  }
}
