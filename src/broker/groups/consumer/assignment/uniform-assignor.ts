import { type Assignor, type Subscriber, subscribersByTopic, Targets } from "./assignor.js";

interface Share {
  readonly memberId: string;
  count: number;
}

interface Place {
  readonly topicId: string;
  readonly partition: number;
  /** Those that may have it. */
  readonly shares: readonly Share[];
  owner: Share | undefined;
}

/**
 * `uniform`: every member gets as many partitions, give or take one, and keeps what it has if that allows it. Where the
 * subscriptions differ, no partition could go to a member that has two less than its owner.
 */
export const uniformAssignor: Assignor = (subscribers, partitionsOf) => {
  const shares = new Map(subscribers.map(({ memberId }) => [memberId, { memberId, count: 0 }]));
  const places = placesOf(subscribers, partitionsOf, shares);
  // First what few can have: the others then even out what that costs.
  const scarceFirst = [...places].sort((a, b) => a.shares.length - b.shares.length);
  for (const place of scarceFirst) if (!place.owner) move(place, leastOf(place.shares));
  evenOut(places);
  const targets = new Targets();
  for (const { topicId, partition, owner } of places) targets.give(owner!.memberId, topicId, partition);
  return targets.get();
};

/** All partitions, those of the targets so far with their owners. */
function placesOf(
  subscribers: readonly Subscriber[],
  partitionsOf: (topicId: string) => number,
  shares: ReadonlyMap<string, Share>,
): Place[] {
  const places: Place[] = [];
  for (const [topicId, members] of subscribersByTopic(subscribers)) {
    const holders = new Map<number, Share>();
    for (const { memberId, target } of members) {
      for (const partition of target.get(topicId) ?? []) holders.set(partition, shares.get(memberId)!);
    }
    const ofTopic = members.map(({ memberId }) => shares.get(memberId)!);
    for (let partition = 0; partition < partitionsOf(topicId); partition++) {
      const place: Place = { topicId, partition, shares: ofTopic, owner: undefined };
      const holder = holders.get(partition);
      if (holder) move(place, holder);
      places.push(place);
    }
  }
  return places;
}

/** Moves partitions to members that have at least two less, until there is none. Each move makes the sum of squares smaller. */
function evenOut(places: readonly Place[]): void {
  for (let moved = true; moved; ) {
    moved = false;
    for (const place of places) {
      const least = leastOf(place.shares);
      if (place.owner!.count - least.count < 2) continue;
      move(place, least);
      moved = true;
    }
  }
}

function move(place: Place, to: Share): void {
  if (place.owner) place.owner.count--;
  place.owner = to;
  to.count++;
}

function leastOf(shares: readonly Share[]): Share {
  let least = shares[0]!;
  for (const share of shares) if (share.count < least.count) least = share;
  return least;
}
