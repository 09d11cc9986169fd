import { isEmpty, minus, NO_WORK, taskKey, union, type Work, workOf } from "./work.js";

/** A worker as the leader sees it at a rebalance. */
export interface AssignorMember {
  readonly memberId: string;
  /** What it said that it runs. */
  readonly held: Work;
}

/** What the leader hands one member: additions and withdrawals to what it holds. */
export interface MemberAssignment {
  readonly assigned: Work;
  readonly revoked: Work;
}

export type Assignments = ReadonlyMap<string, MemberAssignment>;

/**
 * Deals all work anew, in a circle over the members by id: connectors first, then tasks (the eager protocol: members
 * have stopped everything before they joined).
 */
export function assignEager(configured: Work, memberIds: readonly string[]): Assignments {
  const ids = [...memberIds].sort();
  const hands = new Map(ids.map((id) => [id, new Hand()]));
  let turn = 0;
  const next = () => hands.get(ids[turn++ % ids.length]!)!;
  for (const connector of sortedConnectors(configured)) next().connectors.push(connector);
  for (const task of sortedTasks(configured)) next().tasks.push(task);
  return new Map([...hands].map(([id, hand]) => [id, { assigned: hand.work(), revoked: NO_WORK }]));
}

/**
 * Changes as little as it can (KIP-415): members keep what they hold, what is gone or held twice is revoked, what
 * nobody holds goes to those who have least, and when the loads differ by more than one the fullest give up what is
 * over. What is revoked is dealt out in the next round, once it has stopped. (I4)
 */
export function assignIncremental(configured: Work, members: readonly AssignorMember[]): Assignments {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const holders = countHolders(sorted);
  const kept = new Map<string, Work>();
  const revoked = new Map<string, Work>();
  for (const { memberId, held } of sorted) {
    const keep = workOf(
      [...held.connectors].filter((name) => configured.connectors.has(name) && holders.connectors.get(name) === 1),
      [...held.tasks.values()].filter(
        (id) => configured.tasks.has(taskKey(id)) && holders.tasks.get(taskKey(id)) === 1,
      ),
    );
    kept.set(memberId, keep);
    revoked.set(memberId, minus(held, keep));
  }
  const surplus = surplusOf(kept, configured);
  for (const [memberId, work] of surplus) {
    kept.set(memberId, minus(kept.get(memberId)!, work));
    revoked.set(memberId, union(revoked.get(memberId)!, work));
  }
  const held = sorted.map((member) => member.held).reduce(union, NO_WORK);
  const dealt = deal(minus(configured, held), kept);
  return new Map(
    sorted.map(({ memberId }) => [
      memberId,
      { assigned: dealt.get(memberId) ?? NO_WORK, revoked: revoked.get(memberId) ?? NO_WORK },
    ]),
  );
}

/** Whether an assignment takes something from someone, so that another round has to follow. */
export function revokes(assignments: Assignments): boolean {
  return [...assignments.values()].some(({ revoked }) => !isEmpty(revoked));
}

function countHolders(members: readonly AssignorMember[]) {
  const connectors = new Map<string, number>();
  const tasks = new Map<string, number>();
  for (const { held } of members) {
    for (const name of held.connectors) connectors.set(name, (connectors.get(name) ?? 0) + 1);
    for (const key of held.tasks.keys()) tasks.set(key, (tasks.get(key) ?? 0) + 1);
  }
  return { connectors, tasks };
}

/** What members hold beyond their share of all that is configured: total/members, and one more for the first few. */
function surplusOf(kept: ReadonlyMap<string, Work>, configured: Work): Map<string, Work> {
  const connectors = surplusLists(
    new Map([...kept].map(([id, work]) => [id, sortedConnectors(work)])),
    configured.connectors.size,
  );
  const tasks = surplusLists(new Map([...kept].map(([id, work]) => [id, sortedTasks(work)])), configured.tasks.size);
  return new Map([...kept.keys()].map((id) => [id, workOf(connectors.get(id) ?? [], tasks.get(id) ?? [])]));
}

function surplusLists<T>(lists: ReadonlyMap<string, readonly T[]>, total: number): Map<string, readonly T[]> {
  const share = Math.floor(total / lists.size);
  let extras = total % lists.size;
  const surplus = new Map<string, readonly T[]>();
  // The fullest first, so that the members that may keep one more are those that have one more.
  for (const [id, items] of [...lists].sort(([, a], [, b]) => b.length - a.length)) {
    if (items.length <= share) continue;
    const allowed = extras > 0 ? share + 1 : share;
    if (extras > 0) extras--;
    if (items.length > allowed) surplus.set(id, items.slice(0, items.length - allowed));
  }
  return surplus;
}

/** Deals work to the members with the least of its kind, by id where they are equal. */
function deal(work: Work, kept: ReadonlyMap<string, Work>): Map<string, Work> {
  const hands = new Map([...kept.keys()].map((id) => [id, new Hand()]));
  const give = <T>(items: readonly T[], count: (id: string) => number, take: (hand: Hand, item: T) => void) => {
    for (const item of items) {
      const id = [...hands.keys()].reduce((least, id) => (count(id) < count(least) ? id : least));
      take(hands.get(id)!, item);
    }
  };
  if (hands.size === 0) return new Map();
  give(
    sortedConnectors(work),
    (id) => kept.get(id)!.connectors.size + hands.get(id)!.connectors.length,
    (hand, connector) => hand.connectors.push(connector),
  );
  give(
    sortedTasks(work),
    (id) => kept.get(id)!.tasks.size + hands.get(id)!.tasks.length,
    (hand, task) => hand.tasks.push(task),
  );
  return new Map([...hands].map(([id, hand]) => [id, hand.work()]));
}

class Hand {
  readonly connectors: string[] = [];
  readonly tasks: { connector: string; task: number }[] = [];

  work(): Work {
    return workOf(this.connectors, this.tasks);
  }
}

function sortedConnectors(work: Work): string[] {
  return [...work.connectors].sort();
}

function sortedTasks(work: Work) {
  return [...work.tasks.values()].sort((a, b) =>
    a.connector === b.connector ? a.task - b.task : a.connector < b.connector ? -1 : 1,
  );
}
