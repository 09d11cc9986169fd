import { ErrorCodes } from "../../../protocol/error-codes.js";
import { type GroupMember, type JoinAnswer, type JoinedMember, NO_BYTES, type SyncAnswer } from "./group-member.js";

/** The fields that all answers of one generation share. */
export interface Generation {
  readonly generationId: number;
  readonly protocolType: string;
  readonly protocolName: string | null;
}

/** The answer to a JoinGroup whose member is in the generation. */
export function joinedAnswer(
  generation: Generation,
  leader: string,
  memberId: string,
  members: readonly JoinedMember[],
): JoinAnswer {
  return { errorCode: ErrorCodes.NONE, ...generation, leader, skipAssignment: false, memberId, members };
}

/** A member, for the answer to the leader. */
export function joinedMember(
  { memberId, instanceId, protocols }: GroupMember,
  protocolName: string | null,
): JoinedMember {
  const metadata = protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_BYTES;
  return { memberId, groupInstanceId: instanceId, metadata };
}

/** The answer to a SyncGroup, with the member's assignment. */
export function syncedAnswer({ protocolType, protocolName }: Generation, assignment: Buffer): SyncAnswer {
  return { errorCode: ErrorCodes.NONE, protocolType, protocolName, assignment };
}

/** The refusal of a JoinGroup. */
export function joinError(memberId: string, errorCode: number): JoinAnswer {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: "",
    skipAssignment: false,
    memberId,
    members: [],
  };
}

/** The refusal of a SyncGroup. */
export function syncError(errorCode: number): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
