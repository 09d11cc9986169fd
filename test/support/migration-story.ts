import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BrokerClient } from "./broker-client.js";
import { type ClassicMember, type MigrationAnswers, MigrationClient } from "./migration-client.js";

/** What Apache Kafka 4.3.1 answers with `group.consumer.assignment.interval.ms=0`. */
export const KAFKA_MIGRATION_ANSWERS = JSON.parse(
  readFileSync(join(import.meta.dirname, "migration-answers.json"), "utf8"),
) as Readonly<Record<"bidirectional" | "upgrade" | "downgrade", MigrationAnswers>>;

const TOPICS = { t: 4, u: 2 };

/** Takes groups from one protocol to the other and back, and returns a broker's answers. `story…` are the groups' names. */
export async function tellMigration(client: BrokerClient, other: BrokerClient): Promise<MigrationAnswers> {
  const story = new MigrationClient(client, "story");
  await story.begin(TOPICS);
  const one = await upgrade(story);
  await refusals(story, one);
  await downgrade(story, one);
  await statics(story);
  await unreadable(story);
  await administrators(story);
  await rebalancing(story, other);
  return story.answers;
}

/** The same with a policy that allows one direction only. */
export async function tellPolicy(client: BrokerClient): Promise<MigrationAnswers> {
  const story = new MigrationClient(client, "story");
  await story.begin(TOPICS);
  const one = story.classic(["t"]);
  await settle(story, "one", one, { t: [0, 1, 2, 3] });
  const two = story.consumer("two");
  await story.enter("two joins a classic group", two, ["t"]);
  await story.look("after two");
  story.group = "story-other-way";
  const first = story.consumer("first");
  await story.enter("first joins no group", first, ["t"]);
  const second = story.classic(["t"]);
  await story.join("second joins a consumer group", second);
  await story.sync("second syncs", second);
  await story.exit("first leaves", first);
  await story.look("without first");
  return story.answers;
}

/** A classic group of one member, which leads. */
async function settle(
  story: MigrationClient,
  name: string,
  member: ClassicMember,
  assigned: Readonly<Record<string, readonly number[]>>,
): Promise<void> {
  await story.join(`${name} joins`, member);
  await story.sync(`${name} leads`, member, new Map([[member.id, story.assignment(assigned)]]));
}

async function upgrade(story: MigrationClient): Promise<ClassicMember> {
  const one = story.classic(["t"]);
  const two = story.consumer("two");
  await settle(story, "one", one, { t: [0, 1, 2, 3] });
  await story.heartbeat("one in a classic group", one);
  await story.beat("two without having joined", { ...two, epoch: 1 });
  await story.exit("two leaves a classic group", two);
  await story.look("a classic group");
  await story.enter("two joins", two, ["t"]);
  await story.look("upgraded");
  await story.heartbeat("one is behind", one);
  await story.sync("one syncs behind", one);
  await story.commit("of one behind", one.id, one.generation);
  await story.commit("of one behind, v8", one.id, one.generation, 0, 8);
  await story.fetch("of one behind", one.id, one.generation);
  await story.join("one rejoins with all", one);
  await story.sync("one learns what it keeps", one);
  await story.heartbeat("one must give up", one);
  await story.look("one has not given up");
  await story.beat("two waits", two);
  await story.join("one rejoins with what it keeps", one);
  await story.sync("one is there", one);
  await story.heartbeat("one is there, heartbeat", one);
  await story.beat("two gets the rest", two);
  await story.look("shared out");
  const three = story.classic(["t", "u"]);
  await story.join("three joins", three);
  await story.sync("three syncs", three);
  await story.heartbeat("three waits", three);
  await story.look("three has joined");
  await story.heartbeat("one is behind again", one);
  await story.beat("two gives up", two);
  await story.beat("two has given up", two);
  await story.join("one rejoins for three", one);
  await story.sync("one syncs for three", one);
  await story.join("one rejoins without", one);
  await story.sync("one syncs without", one);
  await story.heartbeat("three may get more", three);
  await story.join("three rejoins", three);
  await story.sync("three has all", three);
  await story.heartbeat("three has all, heartbeat", three);
  await story.join("three repeats its join", three);
  await story.look("three share");
  await story.leave("three leaves", three);
  await story.leave("three leaves again", three);
  await story.heartbeat("three after it has left", three);
  await story.look("without three");
  await story.beat("two after three", two);
  await story.heartbeat("one after three", one);
  await story.join("one rejoins after three", one);
  await story.sync("one syncs after three", one);
  await story.beat("two after one", two);
  await story.look("two share");
  return one;
}

/** What is refused while the group has members of both protocols. */
async function refusals(story: MigrationClient, one: ClassicMember): Promise<void> {
  const { id, generation } = one;
  await story.heartbeat("an older generation", { ...one, generation: generation - 1 });
  await story.heartbeat("a newer generation", { ...one, generation: generation + 1 });
  await story.heartbeat("a stranger", { ...one, id: "x" });
  await story.heartbeat("an unknown instance", { ...one, instanceId: "i" });
  await story.heartbeat("a member of the consumer protocol", { ...one, id: "two", generation: 7 });
  await story.sync("an older generation syncs", { ...one, generation: generation - 1 });
  await story.syncWith("another protocol name", one, "consumer", "cooperative-sticky");
  await story.syncWith("another protocol type", one, "connect", "range");
  await story.commit("of one", id, generation);
  await story.commit("of one, v8", id, generation, 0, 8);
  await story.commit("of an older generation", id, 0);
  await story.commit("of a newer generation", id, generation + 1);
  await story.commit("of two, v8", "two", generation, 0, 8);
  await story.commit("of nobody", "", -1);
  await story.fetch("of one", id, generation);
  await story.fetch("of one, older", id, generation - 1);
  await story.fetch("of nobody", null, -1);
  await story.join("other protocols", { ...story.classic(["t"]), protocols: ["roundrobin"] });
  await story.join("no protocols", { ...story.classic(["t"]), protocols: [] });
  await story.join("another type", story.classic(["t"]), { protocolType: "connect" });
  await story.join("a short session", story.classic(["t"]), { sessionTimeoutMs: 1 });
  await story.join("an unreadable subscription", { ...story.classic(["t"]), id: "y" }, { metadata: Buffer.from([0]) });
  await story.join("an unknown static member", { ...story.classic(["t"], "i"), id: "y" });
  await story.join("an id of its own", { ...story.classic(["t"]), id: "y" });
  await story.leave("y leaves with others", { id: "y", instanceId: null }, { id: "z", instanceId: null });
}

async function downgrade(story: MigrationClient, one: ClassicMember): Promise<void> {
  const two = story.consumer("two");
  await story.exit("two leaves", two);
  await story.look("downgraded");
  await story.heartbeat("one must rebalance", one);
  await story.commit("of one before it rejoins", one.id, one.generation);
  await story.beat("two after it has left", { ...two, epoch: one.generation });
  await settle(story, "one again", one, { t: [0, 1, 2, 3] });
  await story.heartbeat("one leads again", one);
  await story.look("a classic group again");
  await story.enter("two is back", two, ["t"]);
  await story.look("upgraded again");
  await story.leave("one leaves", one);
  await story.look("only two");
  await story.exit("two leaves, too", two);
  await story.look("nobody");
}

/** Static members that change their protocol keep their places. */
async function statics(story: MigrationClient): Promise<void> {
  story.group = "story-statics";
  const one = story.classic(["t"], "i");
  await settle(story, "static one", one, { t: [0, 1, 2, 3] });
  const next = story.consumer("next", "i");
  await story.enter("next takes the instance", next, ["t"]);
  await story.look("next has taken the instance");
  await story.heartbeat("static one is fenced", one);
  await story.enter("another one of the consumer protocol", story.consumer("another", "i"), ["t"]);
  const other = story.classic(["t"]);
  await story.join("other joins", other);
  await story.sync("other syncs", other);
  await story.beat("next gives up", next);
  await story.beat("next has given up", next);
  await story.heartbeat("other may get more", other);
  await story.join("other rejoins", other);
  await story.sync("other has its share", other);
  await story.exit("next leaves for a while", next, -2);
  await story.look("next is away");
  await story.heartbeat("other while next is away", other);
  const back = story.classic(["t"], "i");
  await story.join("back takes the instance", back);
  await story.look("back has taken the instance");
  await story.sync("back syncs", back);
  await story.heartbeat("back is there", back);
  await story.heartbeat("other after back", other);
  const again = story.consumer("again", "i");
  await story.enter("again takes the instance", again, ["t"]);
  await story.look("upgraded with an instance");
  await story.join("other rejoins for again", other);
  await story.sync("other syncs for again", other);
  await story.beat("again", again);
  await story.join("changed takes the instance", story.classic(["t", "u"], "i"));
  await story.heartbeat("other after changed", other);
  await story.look("downgraded with another subscription");
}

/** Groups that cannot be upgraded. */
async function unreadable(story: MigrationClient): Promise<void> {
  const cases: readonly (readonly [string, Buffer])[] = [
    ["custom", story.assignment({ t: [0] }, Buffer.from("x"))],
    ["malformed", Buffer.from([0])],
    ["gone", story.assignment({ t: [0], none: [1] })],
    ["unassigned", Buffer.alloc(0)],
  ];
  for (const [name, bytes] of cases) {
    story.group = `story-${name}`;
    const member = story.classic(["t"]);
    await story.join(`${name} joins`, member);
    await story.sync(`${name} leads`, member, new Map([[member.id, bytes]]));
    await story.enter(`a consumer joins ${name}`, story.consumer("c"), ["t"]);
    await story.look(name);
  }
  story.group = "story-connect";
  await story.join("a worker joins", story.classic(["t"]), { protocolType: "connect" });
  await story.enter("a consumer joins workers", story.consumer("c"), ["t"]);
}

/** Administrators remove the last member of the consumer protocol. */
async function administrators(story: MigrationClient): Promise<void> {
  story.group = "story-administrators";
  const one = story.consumer("one");
  await story.enter("one of the consumer protocol", one, ["t"]);
  const two = story.classic(["t"]);
  await story.join("two of the classic protocol", two);
  await story.sync("two of the classic protocol syncs", two);
  await story.leave("one is removed", { id: "one", instanceId: null });
  await story.look("one was removed");
  await story.heartbeat("two must rebalance", two);
}

/** A group is upgraded while its members rebalance. */
async function rebalancing(story: MigrationClient, other: BrokerClient): Promise<void> {
  story.group = "story-rebalancing";
  const beside = story.beside(other);
  const one = story.classic(["t"]);
  await settle(story, "one of two", one, { t: [0, 1, 2, 3] });
  // The leader has to rejoin first.
  const two = beside.classic(["t"]);
  const joined = beside.join("two of two joins", two);
  await story.untilRebalance(one);
  await story.enter("a consumer joins meanwhile", story.consumer("c"), ["t"]);
  await joined;
  await beside.join("two of two joins again", two);
  await beside.sync("two of two syncs", two);
  await story.look("upgraded meanwhile");
}
