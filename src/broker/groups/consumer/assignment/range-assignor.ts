import { type Assignor, subscribersByTopic, Targets } from "./assignor.js";

/**
 * `range`: each topic in contiguous runs, in the order of the members. Members that are subscribed to the same topics
 * get the same partitions of topics with as many of them.
 */
export const rangeAssignor: Assignor = (subscribers, partitionsOf) => {
  const targets = new Targets();
  for (const [topicId, members] of subscribersByTopic(subscribers)) {
    const partitions = partitionsOf(topicId);
    const least = Math.floor(partitions / members.length);
    const more = partitions % members.length;
    let partition = 0;
    for (const [at, { memberId }] of members.entries()) {
      const end = partition + least + (at < more ? 1 : 0);
      while (partition < end) targets.give(memberId, topicId, partition++);
    }
  }
  return targets.get();
};
