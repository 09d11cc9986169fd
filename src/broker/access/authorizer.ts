import type { Logger } from "../../base/logger.js";
import type { BrokerProperties } from "../broker-properties.js";
import type { Session } from "../security/session.js";
import type { Access } from "./access.js";
import type { AclBinding, Operation, ResourceType } from "./acl.js";
import { hostAddress } from "./host-address.js";
import { type Attempt, judgeAccess, judgeAccessToAny } from "./judge-access.js";

/** No resource has this name: an operation that is allowed on it is allowed on every one. Kafka uses the same. */
const ANY_NAME = "hardcode";

interface Indexed {
  readonly literal: Map<string, AclBinding[]>;
  readonly prefixed: AclBinding[];
}

/** Decides by ACLs which requests are allowed (`authorizer.class.name`), and logs the denied ones. */
export class Authorizer {
  readonly #superUsers: ReadonlySet<string>;
  #byType = new Map<ResourceType, Indexed>();

  constructor(
    private readonly properties: BrokerProperties,
    private readonly logger: Logger,
  ) {
    const users = (properties.text("super.users") ?? "").split(";");
    this.#superUsers = new Set(users.map((user) => user.trim()).filter((user) => user !== ""));
  }

  /** Replaces all ACLs. Called at start and after each change. */
  setAcls(bindings: Iterable<AclBinding>): void {
    const byType = new Map<ResourceType, Indexed>();
    for (const given of bindings) {
      const binding = { ...given, host: hostAddress(given.host) };
      const { resourceType, resourceName, patternType } = binding;
      const indexed: Indexed = byType.get(resourceType) ?? { literal: new Map(), prefixed: [] };
      byType.set(resourceType, indexed);
      if (patternType === "PREFIXED") {
        indexed.prefixed.push(binding);
        continue;
      }
      const known = indexed.literal.get(resourceName);
      if (known) known.push(binding);
      else indexed.literal.set(resourceName, [binding]);
    }
    this.#byType = byType;
  }

  /** @param client its address. @param request the name of the API, for the log. */
  accessOf(session: Session, client: string, request: string): Access {
    // Read once: the session may end while the request waits, which then is still this user's.
    const { principal } = session;
    const host = hostAddress(client);
    const shows = (operation: Operation, resourceType: ResourceType, resourceName: string) => {
      return (
        principal !== undefined && this.#allows({ principal, host, operation, resourceType, resourceName }, session)
      );
    };
    const denied = (operation: Operation, resource: string) => {
      const { listener } = session;
      this.logger.info("Denied a request", {
        principal: principal ?? "nobody",
        operation,
        resource,
        request,
        client,
        listener,
      });
      return false;
    };
    return {
      shows,
      allows: (operation, type, name) => shows(operation, type, name) || denied(operation, `${type}:${name}`),
      allowsAny: (operation, resourceType) => {
        const isAllowed =
          shows(operation, resourceType, ANY_NAME) ||
          (principal !== undefined &&
            judgeAccessToAny({ principal, host, operation, resourceType }, this.#ofType(resourceType)));
        return isAllowed || denied(operation, `${resourceType}:any`);
      },
    };
  }

  #allows(attempt: Attempt, { isTrusted }: Session): boolean {
    if (isTrusted || this.#superUsers.has(attempt.principal)) return true;
    const ifNone = this.properties.flag("allow.everyone.if.no.acl.found");
    return judgeAccess(attempt, this.#of(attempt.resourceType, attempt.resourceName), ifNone);
  }

  *#of(type: ResourceType, name: string): Iterable<AclBinding> {
    const indexed = this.#byType.get(type);
    if (!indexed) return;
    yield* indexed.literal.get(name) ?? [];
    if (name !== "*") yield* indexed.literal.get("*") ?? [];
    for (const binding of indexed.prefixed) if (name.startsWith(binding.resourceName)) yield binding;
  }

  *#ofType(type: ResourceType): Iterable<AclBinding> {
    const indexed = this.#byType.get(type);
    if (!indexed) return;
    for (const bindings of indexed.literal.values()) yield* bindings;
    yield* indexed.prefixed;
  }
}
