/** A protocol that a member supports, with its metadata. The coordinator never reads the metadata. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

/** Identifies one parked request, for its answer. */
export type Token = number;

/** A member of a classic group. Deadlines are monotonic milliseconds. */
export interface GroupMember {
  memberId: string;
  readonly instanceId: string | null;
  clientId: string;
  clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: readonly MemberProtocol[];
  assignment: Buffer;
  /** When its session ends unless it sends a request. Ignored while it waits for an answer, except for its first. */
  deadlineMs: number;
  /** Its first join is not answered yet. */
  isNew: boolean;
  parkedJoin: Token | undefined;
  parkedSync: Token | undefined;
}

/** A JoinGroup request. */
export interface JoinCommand {
  readonly token: Token;
  readonly memberId: string;
  /** The id to assign if it has none. */
  readonly freshMemberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  /** v4+: a new member is first assigned an id and then joins with it. */
  readonly asksForMemberId: boolean;
  /** v9+: the answer may ask the leader to keep the assignment. */
  readonly canSkipAssignment: boolean;
}

export interface JoinedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Buffer;
}

export interface JoinAnswer {
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  readonly members: readonly JoinedMember[];
}

/** A SyncGroup request. Only the leader's has assignments. */
export interface SyncCommand {
  readonly token: Token;
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

export interface SyncAnswer {
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

/** The sender of a request about an existing membership. */
export interface MemberIdentity {
  readonly memberId: string;
  readonly instanceId: string | null;
}

export const NO_BYTES = Buffer.alloc(0);

/** Whether two lists of protocols are equal, metadata included. */
export function sameProtocols(left: readonly MemberProtocol[], right: readonly MemberProtocol[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ name, metadata }, at) => name === right[at]!.name && metadata.equals(right[at]!.metadata))
  );
}

/** Names of the protocols that all `supporters` share, in the order of the first. */
export function commonProtocols(
  supporters: readonly { readonly protocols: readonly MemberProtocol[] }[],
): ReadonlySet<string> {
  const [first, ...others] = supporters.map(({ protocols }) => new Set(protocols.map(({ name }) => name)));
  return new Set([...(first ?? [])].filter((name) => others.every((names) => names.has(name))));
}

/**
 * The protocol of the next generation: each member votes for its first choice among those that all support. Undefined
 * when they share none.
 */
export function selectProtocol(members: readonly GroupMember[]): string | undefined {
  const common = commonProtocols(members);
  const votes = new Map<string, number>();
  for (const { protocols } of members) {
    const choice = protocols.find(({ name }) => common.has(name));
    if (choice) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
  }
  return [...common].reduce<string | undefined>(
    (best, name) => (best !== undefined && (votes.get(best) ?? 0) >= (votes.get(name) ?? 0) ? best : name),
    undefined,
  );
}
