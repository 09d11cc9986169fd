import type { AclBinding } from "../access/acl.js";
import type { Call } from "../handler.js";
import type { MetadataChange } from "../metadata/broker-metadata.js";

/** The turn of the ACLs; no topic has this name. */
export const ACLS_TURN = "/acls";

/** All ACLs. */
export function aclsOf({ broker }: Call): AclBinding[] {
  return [...broker.state.metadata.acls.values()] as AclBinding[];
}

/** Makes changes, all or none, and puts them into effect. @throws the disk's error; nothing has changed then */
export async function changeAcls(
  kind: Extract<MetadataChange, { acl: unknown }>["kind"],
  acls: readonly AclBinding[],
  call: Call,
): Promise<void> {
  if (acls.length === 0) return;
  const { state, authorizer, logger } = call.broker;
  await state.change(...acls.map((acl): MetadataChange => ({ kind, acl })));
  authorizer?.setAcls(aclsOf(call));
  const message = kind === "acl" ? "Added an ACL" : "Removed an ACL";
  for (const acl of acls) logger.info(message, { ...acl, by: call.session.principal, client: call.clientHost });
}
