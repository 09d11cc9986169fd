import { intersection, isEmpty, minus, NO_WORK, taskKey, union, type Work, workOf } from "../work.js";

/** A worker as the leader sees it in a rebalance. */
export interface AssignorMember {
  readonly memberId: string;
  /** The work that it reported to run. */
  readonly held: Work;
}

/** One member's changes: additions to its work and withdrawals from it. */
interface MemberAssignment {
  readonly assigned: Work;
  readonly revoked: Work;
}

export type Assignments = ReadonlyMap<string, MemberAssignment>;

/**
 * Deals all work in a circle over the members by id, connectors first, then tasks (the eager protocol: members have
 * stopped everything before they joined).
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

/** The leader's memory from one rebalance to the next. */
export interface AssignorMemory {
  /** The generation of this decision. The memory is valid only if that generation was completed. */
  readonly generationId: number;
  /** All work that was assigned, or withheld as lost. */
  readonly assigned: Work;
  readonly memberIds: ReadonlySet<string>;
  /** End of the current delay, for lost work or before the next levelling, in monotonic ms; undefined without one. */
  readonly dueAtMs: number | undefined;
  /** Members seen idle while lost work was withheld: the departed worker may have returned as one of them. */
  readonly candidates: ReadonlySet<string>;
  /** The last round revoked work to level the loads, and how many rounds in a row did. */
  readonly levelled: boolean;
  readonly levelledInRow: number;
}

export const NO_MEMORY: AssignorMemory = {
  generationId: -1,
  assigned: NO_WORK,
  memberIds: new Set(),
  dueAtMs: undefined,
  candidates: new Set(),
  levelled: false,
  levelledInRow: 0,
};

export interface IncrementalInput {
  /** All work that should run. */
  readonly configured: Work;
  readonly members: readonly AssignorMember[];
  readonly memory: AssignorMemory;
  /** Work that does not run anywhere, as its last owner has reported: it need not wait for that owner's return. */
  readonly givenUp: Work;
  /** The last generation in which this leader took a place, and the one in progress. */
  readonly completedGenerationId: number;
  readonly generationId: number;
  /** Monotonic. */
  readonly nowMs: number;
  /** `scheduled.rebalance.max.delay.ms`. */
  readonly maxDelayMs: number;
}

export interface IncrementalOutcome {
  readonly assignments: Assignments;
  /** Time until members must rejoin, for withheld work or another levelling; 0 for neither. */
  readonly delayMs: number;
  readonly memory: AssignorMemory;
}

/**
 * Changes as little as possible (KIP-415). Members keep their work. Removed work and work held twice is revoked. Free
 * work goes to the least loaded members, and when the loads differ by more than one, the fullest give up their surplus.
 * Revoked work is dealt out in the next round, once it has stopped. (I4)
 *
 * The work of a lost member is withheld for `maxDelayMs`: a restarting worker returns soon, and moving its work twice
 * costs more than waiting. What a member gave up before it left is dealt out at once.
 */
export function assignIncremental(input: IncrementalInput): IncrementalOutcome {
  const { configured, nowMs, maxDelayMs } = input;
  const members = [...input.members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const memory = validMemory(input);
  const active = members.map(({ held }) => held).reduce(union, NO_WORK);
  const lost = lostWork(input);
  const released = intersection(lost, input.givenUp);
  const loss = judgeLoss(minus(lost, released), members, memory, nowMs, maxDelayMs);
  const returned = union(loss.returned, released);
  const { kept, revoked } = keepOnce(members, configured);
  const dealt = deal(returned, kept, loss.candidates);
  const surplus = loss.delayMs === 0 && !isEmpty(active) ? surplusOf(kept, configured) : new Map<string, Work>();
  const uneven = [...surplus.values()].some((work) => !isEmpty(work));
  let { delayMs } = loss;
  let levelling = { levelled: false, levelledInRow: 0 };
  let dueAtMs = loss.dueAtMs;
  if (uneven && memory.levelled && maxDelayMs > 0) {
    // Members that level again and again are chasing a moving target: wait longer each time.
    const levelledInRow = memory.levelledInRow + 1;
    delayMs = Math.min(maxDelayMs, 40 ** levelledInRow);
    dueAtMs = nowMs + delayMs;
    levelling = { levelled: false, levelledInRow };
  } else if (uneven) {
    for (const [memberId, work] of surplus) {
      kept.set(memberId, minus(kept.get(memberId)!, work));
      revoked.set(memberId, union(revoked.get(memberId)!, work));
    }
    levelling = { levelled: true, levelledInRow: memory.levelledInRow };
  }
  const fresh = deal(minus(minus(configured, active), lost), merge(kept, dealt), EVERYBODY);
  const assigned = merge(dealt, fresh);
  const after = merge(kept, assigned);
  return {
    assignments: new Map(
      members.map(({ memberId }) => [
        memberId,
        { assigned: assigned.get(memberId) ?? NO_WORK, revoked: revoked.get(memberId)! },
      ]),
    ),
    delayMs,
    memory: {
      generationId: input.generationId,
      assigned: [...after.values()].reduce(union, minus(lost, returned)),
      memberIds: new Set(members.map(({ memberId }) => memberId)),
      dueAtMs,
      candidates: loss.delayMs > 0 ? loss.candidates : new Set(),
      ...levelling,
    },
  };
}

/** The work that was assigned and that no member runs, as far as the leader remembers. */
export function lostWork(input: Pick<IncrementalInput, "configured" | "members" | "memory" | "completedGenerationId">) {
  const active = input.members.map(({ held }) => held).reduce(union, NO_WORK);
  return minus(intersection(validMemory(input).assigned, input.configured), active);
}

function validMemory({ memory, completedGenerationId }: Pick<IncrementalInput, "memory" | "completedGenerationId">) {
  return memory.generationId === completedGenerationId ? memory : NO_MEMORY;
}

interface Loss {
  /** The part of the lost work that is dealt out now. */
  readonly returned: Work;
  /** The members that are preferred for it. */
  readonly candidates: ReadonlySet<string>;
  readonly delayMs: number;
  readonly dueAtMs: number | undefined;
}

const EVERYBODY: ReadonlySet<string> = new Set();

/** Decides whether lost work goes to other members now, or waits for its former owner. */
function judgeLoss(
  lost: Work,
  members: readonly AssignorMember[],
  memory: AssignorMemory,
  nowMs: number,
  maxDelayMs: number,
): Loss {
  const now = { returned: lost, candidates: EVERYBODY, delayMs: 0, dueAtMs: undefined };
  if (isEmpty(lost) || maxDelayMs === 0) return now;
  const present = new Set(members.map(({ memberId }) => memberId));
  const allThere = [...memory.memberIds].every((memberId) => present.has(memberId));
  // No member has left: the assignment never arrived.
  if (memory.dueAtMs === undefined && allThere) return now;
  const idle = members.filter(({ held }) => isEmpty(held)).map(({ memberId }) => memberId);
  const candidates = new Set([...memory.candidates, ...idle].filter((memberId) => present.has(memberId)));
  if (memory.dueAtMs !== undefined && nowMs >= memory.dueAtMs) return { ...now, candidates };
  const delayMs = memory.dueAtMs === undefined ? maxDelayMs : memory.dueAtMs - nowMs;
  return { returned: NO_WORK, candidates, delayMs: Math.max(1, Math.ceil(delayMs)), dueAtMs: nowMs + delayMs };
}

/** Each member keeps configured work that no other member holds; the rest is revoked. */
function keepOnce(members: readonly AssignorMember[], configured: Work) {
  const holders = countHolders(members);
  const kept = new Map<string, Work>();
  const revoked = new Map<string, Work>();
  for (const { memberId, held } of members) {
    const keep = workOf(
      [...held.connectors].filter((name) => configured.connectors.has(name) && holders.connectors.get(name) === 1),
      [...held.tasks.values()].filter(
        (id) => configured.tasks.has(taskKey(id)) && holders.tasks.get(taskKey(id)) === 1,
      ),
    );
    kept.set(memberId, keep);
    revoked.set(memberId, minus(held, keep));
  }
  return { kept, revoked };
}

/** The union for each member. */
function merge(a: ReadonlyMap<string, Work>, b: ReadonlyMap<string, Work>): Map<string, Work> {
  return new Map([...a].map(([memberId, work]) => [memberId, union(work, b.get(memberId) ?? NO_WORK)]));
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

/** The members' work beyond their share of all configured work: total/members, and one more for the first few. */
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
  // The fullest first, so that those with one more are the ones that may keep one more.
  for (const [id, items] of [...lists].sort(([, a], [, b]) => b.length - a.length)) {
    if (items.length <= share) continue;
    const allowed = extras > 0 ? share + 1 : share;
    if (extras > 0) extras--;
    if (items.length > allowed) surplus.set(id, items.slice(0, items.length - allowed));
  }
  return surplus;
}

/**
 * Deals work to the members with the least of its kind; among equals to `candidates` first, then by id. Not to
 * candidates alone: they may have received new work while the lost work was withheld, and would end up with more than
 * others.
 */
function deal(work: Work, kept: ReadonlyMap<string, Work>, candidates: ReadonlySet<string>): Map<string, Work> {
  const hands = new Map([...kept.keys()].map((id) => [id, new Hand()]));
  const ids = [...hands.keys()].sort((a, b) => Number(candidates.has(b)) - Number(candidates.has(a)));
  const dealOut = <T>(items: readonly T[], count: (id: string) => number, take: (hand: Hand, item: T) => void) => {
    for (const item of items) {
      const id = ids.reduce((least, id) => (count(id) < count(least) ? id : least));
      take(hands.get(id)!, item);
    }
  };
  if (ids.length === 0) return new Map();
  dealOut(
    sortedConnectors(work),
    (id) => kept.get(id)!.connectors.size + hands.get(id)!.connectors.length,
    (hand, connector) => hand.connectors.push(connector),
  );
  dealOut(
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
