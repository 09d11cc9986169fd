import { describe, expect, test } from "vitest";
import { type LogFields, silentLogger } from "../../../../src/base/logger.js";
import { authorizedOperations, OPEN_ACCESS } from "../../../../src/broker/access/access.js";
import type { AclBinding } from "../../../../src/broker/access/acl.js";
import { aclFilterFault, matchesFilter } from "../../../../src/broker/access/acl-filter.js";
import { Authorizer } from "../../../../src/broker/access/authorizer.js";
import { hostAddress } from "../../../../src/broker/access/host-address.js";
import { judgeNewAcl } from "../../../../src/broker/access/judge-new-acl.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { Session } from "../../../../src/broker/security/session.js";
import type { AclFilter } from "../../../../src/protocol/acl-filter-fields.js";
import { ANY_ACL } from "../../../support/any-acl.js";

const ANN = "User:ann";

/** `ALLOW READ`, for ann on the topic t, unless `more` says otherwise. */
function acl(text: string, more: Partial<AclBinding> = {}): AclBinding {
  const [permission, operation] = text.split(" ") as [AclBinding["permission"], AclBinding["operation"]];
  const resource = { resourceType: "TOPIC", resourceName: "t", patternType: "LITERAL" } as const;
  return { ...resource, principal: ANN, host: "*", permission, operation, ...more };
}

function accessOf(
  acls: readonly AclBinding[],
  properties: Record<string, string> = {},
  user = "ann",
  host = "10.0.0.1",
) {
  const denied: LogFields[] = [];
  const logger = { ...silentLogger, info: (_: string, fields: LogFields = {}) => void denied.push(fields) };
  const authorizer = new Authorizer(new BrokerProperties(properties), logger);
  authorizer.setAcls(acls);
  const access = authorizer.accessOf(new Session("SASL_SSL", "SASL_SSL", { user }), host, "Fetch");
  return { access, denied };
}

const EVERYBODY = { principal: "User:*" };
const PREFIXED = { patternType: "PREFIXED" } as const;

describe("an authorizer", () => {
  test.each<[boolean, string, AclBinding[]]>([
    [false, "without ACLs", []],
    [true, "what is allowed", [acl("ALLOW READ")]],
    [true, "everything that is allowed", [acl("ALLOW ALL")]],
    [true, "what everybody may", [acl("ALLOW READ", EVERYBODY)]],
    [true, "what is allowed for every name", [acl("ALLOW READ", { resourceName: "*" })]],
    [true, "what is allowed for a prefix", [acl("ALLOW READ", { ...PREFIXED, resourceName: "t" })]],
    [true, "what is allowed for the host", [acl("ALLOW READ", { host: "10.0.0.1" })]],
    [false, "another operation", [acl("ALLOW WRITE")]],
    [false, "another user", [acl("ALLOW READ", { principal: "User:bob" })]],
    [false, "a type that is not User", [acl("ALLOW READ", { principal: "Group:ann" })]],
    [false, "another host", [acl("ALLOW READ", { host: "10.0.0.2" })]],
    [false, "another topic", [acl("ALLOW READ", { resourceName: "tt" })]],
    [false, "a longer prefix", [acl("ALLOW READ", { ...PREFIXED, resourceName: "tt" })]],
    [false, "a literal prefix", [acl("ALLOW READ", { ...PREFIXED, resourceName: "*" })]],
    [false, "a group of the name", [acl("ALLOW READ", { resourceType: "GROUP" })]],
    [false, "what is denied as well", [acl("ALLOW READ"), acl("DENY READ")]],
    [false, "what is denied everybody", [acl("ALLOW READ"), acl("DENY ALL", EVERYBODY)]],
    [false, "what is denied for a prefix", [acl("ALLOW ALL"), acl("DENY READ", { ...PREFIXED, resourceName: "" })]],
    [true, "what a denied description implies not", [acl("ALLOW READ"), acl("DENY DESCRIBE")]],
  ])("%s: reads of %s", (isAllowed, _, acls) => {
    const { access, denied } = accessOf(acls);
    expect(access.shows("READ", "TOPIC", "t")).toBe(isAllowed);
    expect(denied).toEqual([]);
    expect(access.allows("READ", "TOPIC", "t")).toBe(isAllowed);
    expect(denied).toEqual(
      isAllowed
        ? []
        : [
            {
              principal: ANN,
              operation: "READ",
              resource: "TOPIC:t",
              request: "Fetch",
              client: "10.0.0.1",
              listener: "SASL_SSL",
            },
          ],
    );
  });

  test.each(["READ", "WRITE", "DELETE", "ALTER", "DESCRIBE", "ALL"])(
    "%s implies DESCRIBE, denied or not",
    (operation) => {
      expect(accessOf([acl(`ALLOW ${operation}`)]).access.shows("DESCRIBE", "TOPIC", "t")).toBe(true);
      const isDenied = operation === "DESCRIBE" || operation === "ALL";
      const both = [acl("ALLOW DESCRIBE"), acl(`DENY ${operation}`)];
      expect(accessOf(both).access.shows("DESCRIBE", "TOPIC", "t")).toBe(!isDenied);
    },
  );

  test("ALTER_CONFIGS implies DESCRIBE_CONFIGS, and CREATE implies nothing", () => {
    const { access } = accessOf([acl("ALLOW ALTER_CONFIGS"), acl("ALLOW CREATE")]);
    expect(access.shows("DESCRIBE_CONFIGS", "TOPIC", "t")).toBe(true);
    expect(access.shows("DESCRIBE", "TOPIC", "t")).toBe(false);
    expect(authorizedOperations(access, "TOPIC", "t")).toBe((1 << 5) | (1 << 10) | (1 << 11));
  });

  test("super users may do everything", () => {
    const acls = [acl("DENY ALL", EVERYBODY)];
    const properties = { "super.users": "User:root; User:CN=ann,O=Org" };
    for (const user of ["root", "CN=ann,O=Org"]) {
      expect(accessOf(acls, properties, user).access.shows("READ", "TOPIC", "t")).toBe(true);
    }
    expect(accessOf(acls, properties).access.shows("READ", "TOPIC", "t")).toBe(false);
  });

  test("allow.everyone.if.no.acl.found is for resources without any ACL", () => {
    const properties = { "allow.everyone.if.no.acl.found": "true" };
    const { access } = accessOf([acl("ALLOW READ", { principal: "User:bob" })], properties);
    expect(access.shows("READ", "TOPIC", "other")).toBe(true);
    expect(access.shows("READ", "TOPIC", "t")).toBe(false);
  });

  test.each<[boolean, AclBinding[]]>([
    [false, []],
    [true, [acl("ALLOW WRITE")]],
    [true, [acl("ALLOW ALL", { ...PREFIXED, resourceName: "a-" })]],
    [true, [acl("ALLOW WRITE", { resourceName: "*" }), acl("DENY WRITE")]],
    [false, [acl("ALLOW WRITE"), acl("DENY WRITE")]],
    [false, [acl("ALLOW WRITE"), acl("DENY WRITE", { ...PREFIXED, resourceName: "t" })]],
    [false, [acl("ALLOW WRITE"), acl("DENY ALL", { resourceName: "*" })]],
    [true, [acl("ALLOW WRITE", { ...PREFIXED, resourceName: "a" }), acl("DENY WRITE", { resourceName: "a" })]],
    [false, [acl("ALLOW READ")]],
  ])("%s: some topic may be written with %j", (isAllowed, acls) => {
    expect(accessOf(acls).access.allowsAny("WRITE", "TOPIC")).toBe(isAllowed);
  });

  test("a request that waits is judged by who sent it, though the session has ended meanwhile", () => {
    const authorizer = new Authorizer(new BrokerProperties({}), silentLogger);
    const sasl: { user: string | undefined } = { user: "ann" };
    const access = authorizer.accessOf(new Session("S", "SASL_SSL", { sasl: sasl as never }), "10.0.0.1", "Fetch");
    authorizer.setAcls([acl("ALLOW READ"), acl("ALLOW WRITE")]);
    sasl.user = undefined;
    expect([access.shows("READ", "TOPIC", "t"), access.allowsAny("WRITE", "TOPIC")]).toEqual([true, true]);
    authorizer.setAcls([]);
    expect(access.shows("READ", "TOPIC", "t")).toBe(false);
  });

  test.each(["0:0:0:0:0:0:0:1", "::1"])("the host of an ACL may be %s, the long form as in Kafka", (host) => {
    const acls = [acl("ALLOW READ"), acl("DENY READ", { host })];
    for (const client of ["0:0:0:0:0:0:0:1", "::1"]) {
      expect(accessOf(acls, {}, "ann", client).access.shows("READ", "TOPIC", "t")).toBe(false);
    }
    expect(accessOf(acls, {}, "ann", "::2").access.shows("READ", "TOPIC", "t")).toBe(true);
  });

  test("a client that is nobody may do nothing, and the worker inside everything", () => {
    const authorizer = new Authorizer(new BrokerProperties({ "allow.everyone.if.no.acl.found": "true" }), silentLogger);
    const sasl = { user: undefined } as never;
    const of = (isTrusted: boolean) => {
      const session = new Session("S", "SASL_SSL", isTrusted ? { user: "worker" } : { sasl }, isTrusted);
      return authorizer.accessOf(session, "::1", "Fetch");
    };
    authorizer.setAcls([acl("DENY ALL", EVERYBODY)]);
    expect(of(false).shows("READ", "TOPIC", "other")).toBe(false);
    expect(of(true).shows("READ", "TOPIC", "t")).toBe(true);
  });
});

test.each([
  ["10.0.0.1", "10.0.0.1"],
  ["*", "*"],
  ["::", "0:0:0:0:0:0:0:0"],
  ["2001:DB8::00A0:1", "2001:db8:0:0:0:0:a0:1"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["::ffff:1.2.3.4", "0:0:0:0:0:ffff:102:304"],
  ["fe80::1%Eth0", "fe80:0:0:0:0:0:0:1%Eth0"],
])("the address %s is %s in Java", (text, address) => {
  expect(hostAddress(text)).toBe(address);
});

test("without an authorizer all operations of a resource are authorized", () => {
  const bits = (["TOPIC", "GROUP", "CLUSTER"] as const).map((type) => authorizedOperations(OPEN_ACCESS, type, "x"));
  expect(bits).toEqual([3576, 3400, 8096]);
});

describe("a filter", () => {
  const filter = (more: Partial<AclFilter>): AclFilter => ({ ...ANY_ACL, ...more });
  const ACLS = [
    acl("ALLOW READ"),
    acl("DENY WRITE", { principal: "User:bob", host: "h" }),
    acl("ALLOW READ", { ...PREFIXED, resourceName: "te" }),
    acl("ALLOW READ", { resourceName: "*" }),
    acl("ALLOW DESCRIBE", { resourceType: "GROUP" }),
  ];

  test.each<[Partial<AclFilter>, number[]]>([
    [{}, [0, 1, 2, 3, 4]],
    [{ resourceTypeFilter: 3 }, [4]],
    [{ resourceNameFilter: "t" }, [0, 1, 4]],
    [{ resourceNameFilter: "t", patternTypeFilter: 2 }, [0, 1, 3, 4]],
    [{ resourceNameFilter: "test", patternTypeFilter: 2, resourceTypeFilter: 2 }, [2, 3]],
    [{ resourceNameFilter: "te", patternTypeFilter: 3 }, []],
    [{ patternTypeFilter: 4 }, [2]],
    [{ principalFilter: "User:bob" }, [1]],
    [{ hostFilter: "h" }, [1]],
    [{ operation: 3 }, [0, 2, 3]],
    [{ permissionType: 2 }, [1]],
  ])("%j means the ACLs %j", (asked, expected) => {
    const found = ACLS.flatMap((each, at) => (matchesFilter(filter(asked), each) ? [at] : []));
    expect(found).toEqual(expected);
    expect(aclFilterFault(filter(asked))).toBeUndefined();
  });

  test.each([{ resourceTypeFilter: 0 }, { patternTypeFilter: 0 }, { operation: 99 }, { permissionType: 0 }])(
    "%j is refused",
    (asked) => {
      expect(aclFilterFault(filter(asked))).toMatch(/unknown/);
    },
  );
});

describe("a new ACL", () => {
  const creation = {
    resourceType: 2,
    resourceName: "t",
    resourcePatternType: 3,
    principal: ANN,
    host: "*",
    operation: 3,
    permissionType: 3,
  };

  test("is kept in Kafka's words", () => {
    expect(judgeNewAcl(creation)).toEqual({ kind: "acl", acl: acl("ALLOW READ") });
  });

  test.each([
    { resourceType: 1 },
    { resourcePatternType: 2 },
    { operation: 1 },
    { permissionType: 1 },
    { resourceName: "" },
    { resourceType: 4 },
    { principal: "ann" },
    { principal: ":ann" },
    { host: "" },
  ])("with %j is refused", (wrong) => {
    expect(judgeNewAcl({ ...creation, ...wrong })).toMatchObject({ kind: "refused" });
  });
});
