import { offsetDelete as api } from "../../protocol/apis/offset-delete.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toGroup } from "../access/access.js";
import { defineHandler } from "../handler.js";

/**
 * OffsetDelete (key 47), v0.
 * Deletes committed offsets of a group, unless its members read the topic. In the response the error precedes the
 * throttle time.
 */
export const offsetDelete = defineHandler(api, {
  versions: [0, 0],
  authorize: toGroup("DELETE"),
  async handle({ groupId, topics }, { broker, access }) {
    const verdict = broker.groups.judgeOffsetDelete(groupId);
    if (verdict.errorCode !== ErrorCodes.NONE) return { errorCode: verdict.errorCode, throttleTimeMs: 0, topics: [] };
    const deletable: { topic: string; partition: number }[] = [];
    const answers = topics.map(({ name, partitions }) => {
      const isAllowed = access.allows("READ", "TOPIC", name);
      const deleted = partitions.map(({ partitionIndex }) => {
        if (!isAllowed) return { partitionIndex, errorCode: ErrorCodes.TOPIC_AUTHORIZATION_FAILED };
        const known = broker.topics.log(name, partitionIndex);
        const errorCode = known ? verdict.refusalOf(name) : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION;
        if (errorCode === ErrorCodes.NONE) deletable.push({ topic: name, partition: partitionIndex });
        return { partitionIndex, errorCode };
      });
      return { name, partitions: deleted };
    });
    const deleted = broker.groups.deleteOffsets(groupId, deletable);
    const errorCode = deleted === ErrorCodes.NONE ? ((await broker.groups.settled(groupId)) ?? deleted) : deleted;
    return { errorCode, throttleTimeMs: 0, topics: answers };
  },
  refuse: (_, errorCode) => ({ errorCode, throttleTimeMs: 0, topics: [] }),
});
