import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { writeFileDurably } from "../../../../src/base/files/durable-files.js";
import { type LogFields, silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { quotaKey } from "../../../../src/broker/metadata/broker-metadata.js";
import { BrokerState } from "../../../../src/broker/metadata/broker-state.js";
import {
  BrokerMetadataError,
  MetadataInDoubtError,
  MetadataLog,
} from "../../../../src/broker/metadata/metadata-log.js";
import { crc32c } from "../../../../src/protocol/crc32c.js";
import { MemoryDisk } from "../../../support/memory-disk.js";

const PATH = "/data/broker-metadata";
const TOPIC = { id: "AAAAAAAAAAAAAAAAAAAAAA", partitions: 1, replicationFactor: 1, configs: {} };
const QUOTA = { entity: { user: null, "client-id": "c" }, values: { producer_byte_rate: 5 } };

let disk: MemoryDisk;
let warnings: LogFields[];
beforeEach(() => {
  disk = new MemoryDisk(new SeededRandom(1));
  disk.makeFolder("/data");
  disk.syncFolder("/");
  warnings = [];
});

function open(): BrokerState {
  const logger = { ...silentLogger, warn: (_: string, fields: LogFields = {}) => void warnings.push(fields) };
  const clock = new SimClock();
  const log = new MetadataLog("/data", disk, () => undefined, logger);
  return BrokerState.open(log, new SeededRandom(2), () => clock.turn());
}

const create = (state: BrokerState, name: string) => state.change({ kind: "topic", name, topic: TOPIC });
const names = (state: BrokerState) => [...state.metadata.topics.keys()];
const content = () => disk.readFile(PATH)!;

const ACL = {
  resourceType: "TOPIC",
  resourceName: "t",
  patternType: "LITERAL",
  principal: "User:ann",
  host: "*",
  operation: "READ",
  permission: "ALLOW",
};
const CREDENTIAL = { iterations: 4096, salt: "c2FsdA==", storedKey: "a2V5", serverKey: "a2V5" };

test("every change that was acknowledged is there after a power cut, and each start is a new epoch", async () => {
  const state = open();
  await create(state, "a");
  await create(state, "b");
  await state.change(
    { kind: "delete-topic", name: "a" },
    { kind: "default-configs", configs: { "log.retention.ms": "1" } },
  );
  await state.change({ kind: "node-configs", configs: { "num.partitions": "3" } });
  const mechanism = "SCRAM-SHA-256";
  await state.change(
    { kind: "group-configs", group: "g", configs: { "consumer.session.timeout.ms": "50000" } },
    { kind: "group-configs", group: "h", configs: { "consumer.session.timeout.ms": "50000" } },
    { kind: "group-configs", group: "h", configs: {} },
    { kind: "scram-user", user: "ann", mechanism, credential: CREDENTIAL },
    { kind: "scram-user", user: "bob", mechanism, credential: CREDENTIAL },
    { kind: "scram-user", user: "bob", mechanism, credential: null },
    { kind: "acl", acl: ACL },
    { kind: "acl", acl: { ...ACL, operation: "WRITE" } },
    { kind: "delete-acl", acl: { ...ACL, operation: "WRITE" } },
    { kind: "client-quota", ...QUOTA },
    { kind: "client-quota", entity: { ip: null }, values: { connection_creation_rate: 5 } },
    { kind: "client-quota", entity: { ip: null }, values: {} },
  );
  disk.restart();
  const { metadata } = open();
  expect(metadata).toEqual({
    clusterId: state.metadata.clusterId,
    epoch: 1,
    nextProducerId: 0,
    topics: new Map([["b", TOPIC]]),
    nodeConfigs: { "num.partitions": "3" },
    defaultConfigs: { "log.retention.ms": "1" },
    groupConfigs: new Map([["g", { "consumer.session.timeout.ms": "50000" }]]),
    scramUsers: new Map([["ann", { [mechanism]: CREDENTIAL }]]),
    acls: new Map([[[...metadata.acls.keys()][0], ACL]]),
    clientQuotas: new Map([[quotaKey(QUOTA.entity), QUOTA]]),
    decoySecret: state.metadata.decoySecret,
  });
  expect(Buffer.from(metadata.decoySecret, "base64")).toHaveLength(32);
  // The next start reads the snapshot.
  disk.restart();
  expect(open().metadata).toEqual({ ...metadata, epoch: 2 });
});

test("a file of the first version is read, and written in the present one", () => {
  const body = JSON.stringify(
    { clusterId: "c", epoch: 4, nextProducerId: 2000, topics: { t: TOPIC }, nodeConfigs: {}, defaultConfigs: {} },
    undefined,
    1,
  );
  const checksum = crc32c(Buffer.from(body)).toString(16).padStart(8, "0");
  writeFileDurably(disk, PATH, `millrace-broker-metadata 1 ${checksum}\n${body}`);
  const { metadata } = open();
  expect(metadata).toMatchObject({ clusterId: "c", epoch: 5, nextProducerId: 2000, topics: new Map([["t", TOPIC]]) });
  expect(Buffer.from(metadata.decoySecret, "base64")).toHaveLength(32);
  expect(content().toString()).toMatch(/^millrace-broker-metadata 2\n/);
  disk.kill();
  expect(names(open())).toEqual(["t"]);
  writeFileDurably(disk, PATH, `millrace-broker-metadata 1 ${checksum}\n${body.replace("2000", "1000")}`);
  expect(open).toThrow(BrokerMetadataError);
});

test("changes made at the same time share one write and one sync", async () => {
  const state = open();
  const before = disk.calls;
  await Promise.all(["a", "b", "c"].map((name) => create(state, name)));
  expect(disk.calls - before).toBeLessThanOrEqual(3);
  expect(names(state)).toEqual(["a", "b", "c"]);
});

test("changes that outgrow the snapshot are compacted", async () => {
  const state = open();
  const configs = { note: "x".repeat(4000) };
  for (let at = 0; at < 60; at++) await state.change({ kind: "node-configs", configs });
  expect(content().length).toBeLessThan(100_000);
  disk.restart();
  expect(open().metadata.nodeConfigs).toEqual(configs);
});

test("a folder that is lost while a snapshot is written is written to no more", async () => {
  let isLost = false;
  const checkFolder = () => {
    if (isLost) throw new Error("the folder is lost");
  };
  const clock = new SimClock();
  const log = new MetadataLog("/data", disk, checkFolder, silentLogger);
  const state = BrokerState.open(log, new SeededRandom(2), () => clock.turn());
  const next = `${PATH}.tmp`;
  const sync = disk.syncLater.bind(disk);
  disk.syncLater = async (fd) => {
    isLost = disk.list("/data").some(({ name }) => next.endsWith(name));
    await sync(fd);
  };
  let before = content();
  const configs = { note: "x".repeat(4000) };
  const changes = async () => {
    while (!isLost) {
      before = content();
      await state.change({ kind: "node-configs", configs });
    }
  };
  await expect(changes()).rejects.toThrow("the folder is lost");
  expect(content()).toEqual(before);
});

describe("the end of the file", () => {
  test.each([1, 5, 30])("is cut where a write did not finish: %i bytes are missing", async (missing) => {
    const state = open();
    await create(state, "a");
    await create(state, "b");
    writeFileDurably(disk, PATH, content().subarray(0, content().length - missing));
    disk.kill();
    expect(names(open())).toEqual(["a"]);
    expect(warnings).toMatchObject([{ path: PATH }]);
    disk.kill();
    expect(names(open())).toEqual(["a"]);
    expect(warnings).toHaveLength(1);
  });

  test("is not cut where a change follows: that is damage, and the start is refused", async () => {
    const state = open();
    await create(state, "a");
    const damaged = content();
    damaged[damaged.length - 10]! ^= 1;
    const length = damaged.length;
    await create(state, "b");
    writeFileDurably(disk, PATH, Buffer.concat([damaged, content().subarray(length)]));
    disk.kill();
    expect(open).toThrow(/damaged \(wrong checksum in line 3\)/);
  });
});

describe("a disk that fails", () => {
  test.each([1, 2])("refuses the change, and no start finds it: call %i", async (call) => {
    const state = open();
    await create(state, "a");
    disk.fault = { at: disk.calls + call, kind: "EIO" };
    await expect(create(state, "b")).rejects.toThrow("EIO");
    await create(state, "c");
    disk.restart();
    expect(names(open())).toEqual(["a", "c"]);
  });

  test("leaves a change in doubt that cannot be taken back; the next one that is acknowledged settles it", async () => {
    const state = open();
    disk.broken = { call: "sync", path: /broker-metadata/, code: "EIO" };
    await expect(create(state, "a")).rejects.toThrow(MetadataInDoubtError);
    await expect(create(state, "b")).rejects.toThrow(MetadataInDoubtError);
    disk.broken = undefined;
    await create(state, "c");
    disk.restart();
    expect(names(open())).toEqual(["c"]);
  });

  test("and is full takes a change with the help of the reserve", async () => {
    const state = open();
    disk.capacityBytes = content().length + 256 * 1024;
    await create(state, "a");
    disk.restart();
    expect(names(open())).toEqual(["a"]);
  });
});

test("producer ids are never handed out twice, and ids asked for at the same time share a write", async () => {
  const state = open();
  const before = disk.calls;
  expect(await Promise.all([1, 2, 3].map(() => state.takeProducerId()))).toEqual([0, 1, 2]);
  expect(disk.calls - before).toBeLessThanOrEqual(3);
  disk.restart();
  expect(await open().takeProducerId()).toBe(1000);
});
