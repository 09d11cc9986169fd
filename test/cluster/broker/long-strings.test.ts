import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { HANDLERS } from "../../../src/broker/handlers/handler-table.js";
import { type RunningBroker, startBroker } from "../../../src/broker/start-broker.js";
import { type Api, readCorrelationId } from "../../../src/protocol/api.js";
import { listGroups } from "../../../src/protocol/apis/list-groups.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { ByteWriter } from "../../../src/protocol/byte-writer.js";
import type { Fields } from "../../../src/protocol/message-fields.js";
import type { WireType } from "../../../src/protocol/wire-types.js";
import { BrokerClient } from "../../support/broker-client.js";
import { arbitraryMessage } from "../../unit/protocol/arbitrary-message.js";
import { APIS } from "../../unit/protocol/every-api.js";

/** The placeholder of the long string. */
const MARK = "~~~~ the long one ~~~~";

/** Values with which a request passes the first checks, and is answered soon. */
const STEERED: Readonly<Record<string, unknown>> = {
  acks: -1,
  sessionTimeoutMs: 6000,
  rebalanceTimeoutMs: 6000,
  maxWaitMs: 0,
  timeoutMs: 1000,
  memberId: "",
  resourceType: 2,
  numPartitions: 1,
  replicationFactor: 1,
  generationIdOrMemberEpoch: -1,
  includeAuthorizedOperations: true,
};

/** The replacement of the mark, and whether it is a string of the protocol. Each 0xff grows to three bytes. */
const LONG: readonly { readonly bytes: Buffer; readonly fits: boolean }[] = [
  { bytes: Buffer.alloc(32_767, "x"), fits: true },
  { bytes: Buffer.alloc(32_768, "x"), fits: false },
  { bytes: Buffer.alloc(300_000, "x"), fits: false },
  { bytes: Buffer.alloc(10_922, 0xff), fits: true },
  { bytes: Buffer.alloc(10_923, 0xff), fits: false },
];

/** Of requests other than Produce (docs/compatibility.md). */
const LARGEST_FRAME_BYTES = 16 * 1024 * 1024;

const REQUESTS = HANDLERS.flatMap((handler) => {
  const api = APIS.find(({ key }) => key === handler.key)!;
  const [first, last] = handler.versions;
  return Array.from({ length: last - first + 1 }, (_, at) => ({ api, version: first + at }));
});

let clock: SimClock;
let broker: RunningBroker;
let dataDir: string;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "millrace-long-"));
  clock = new SimClock();
  broker = await startBroker({
    dataDir,
    listen: "127.0.0.1:0",
    clock,
    random: new SeededRandom(7),
    logger: silentLogger,
  });
});

afterAll(async () => {
  await broker.abandon();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Advances time until `event`: timers answer parked joins and syncs. */
async function passTimeUntil<T>(event: Promise<T>): Promise<T> {
  let over = false;
  const settled = event.finally(() => {
    over = true;
  });
  settled.catch(() => undefined);
  while (!over) await clock.advance(500);
  return settled;
}

type Place = (value: unknown) => void;

/**
 * The functions that set each string or array of a message. Steers the other values on the way.
 */
function placesOf(type: WireType<unknown, unknown>, value: unknown, kind: "str" | "array", set: Place): Place[] {
  if (typeof type.kind === "string") return type.kind === kind ? [set] : [];
  if (value === null) return [];
  if ("element" in type.kind) {
    const { element } = type.kind;
    const elements = value as unknown[];
    const inner = elements.flatMap((each, at) => placesOf(element, each, kind, (next) => elements.splice(at, 1, next)));
    return kind === "array" && elements.length > 0 ? [() => set(Array(5000).fill(elements[0])), ...inner] : inner;
  }
  const members = value as Record<string, unknown>;
  return Object.entries(type.kind.fields).flatMap(([name, field]) => {
    if (Object.hasOwn(STEERED, name)) members[name] = STEERED[name];
    // The size of a tagged field would need patching, too.
    if (field.shape.tag !== undefined) return [];
    return placesOf(field.type, members[name], kind, (next) => {
      members[name] = next;
    });
  });
}

/**
 * The frame with `bytes` for the mark, lengths and size as a client would write them; undefined: it has no mark.
 */
function withLong(frame: Buffer, bytes: Buffer): Buffer | undefined {
  const at = frame.indexOf(MARK);
  if (at < 0) return undefined;
  const length = new ByteWriter();
  const isClassic = frame.readInt16BE(at - 2) === MARK.length;
  if (isClassic) length.i16((bytes.length << 16) >> 16);
  else length.uvarint(bytes.length + 1);
  const head = frame.subarray(4, at - (isClassic ? 2 : 1));
  const body = [head, ...length.finish(), bytes, frame.subarray(at + MARK.length)];
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.reduce((sum, each) => sum + each.length, 0));
  return Buffer.concat([size, ...body]);
}

/** Sends a frame on its own connection; resolves with the decoded answer, or undefined if the broker closed it. */
async function outcomeOf(api: Api<Fields, Fields>, version: number, frame: Buffer): Promise<unknown> {
  const client = await BrokerClient.connect(broker.port);
  try {
    const answer = client.sendEncoded((correlationId) => {
      frame.writeInt32BE(correlationId, 8);
      return [frame];
    });
    const bytes = await passTimeUntil(answer).catch(() => undefined);
    return bytes && api.decodeResponse(version, readCorrelationId(bytes).reader);
  } finally {
    client.close();
  }
}

describe.each(REQUESTS)("$api.name v$version", ({ api, version }) => {
  const message = () => arbitraryMessage(api.requestFields, version);
  const type = { kind: { fields: api.requestFields } } as unknown as WireType<unknown, unknown>;

  test("with a long string is answered, or its connection is closed", async () => {
    const clientIds = fc.boolean();
    await fc.assert(
      fc.asyncProperty(message(), fc.nat(), clientIds, async (request, pick, isClientId) => {
        const places = placesOf(type, request, "str", () => undefined);
        if (isClientId || places.length === 0) {
          const frame = Buffer.concat(api.encodeRequest(version, 1, MARK, request));
          await judge(frame);
          return;
        }
        places[pick % places.length]!(MARK);
        await judge(Buffer.concat(api.encodeRequest(version, 1, "client", request)));
      }),
      { numRuns: 6 },
    );
  });

  async function judge(frame: Buffer): Promise<void> {
    for (const { bytes, fits } of LONG) {
      const long = withLong(frame, bytes);
      if (!long) return;
      const answer = await outcomeOf(api, version, long);
      expect(answer === undefined, `${bytes.length} bytes ${fits ? "fit" : "do not fit"}`).toBe(!fits);
    }
  }

  test("with a long array is answered, or its connection is closed", async () => {
    await fc.assert(
      fc.asyncProperty(message(), fc.nat(), async (request, pick) => {
        const places = placesOf(type, request, "array", () => undefined);
        if (places.length === 0) return;
        places[pick % places.length]!(undefined);
        const frame = Buffer.concat(api.encodeRequest(version, 1, "client", request));
        const fits = api.key === produce.key || frame.length - 4 <= LARGEST_FRAME_BYTES;
        const answer = await outcomeOf(api, version, frame);
        expect(answer === undefined, `${frame.length} bytes ${fits ? "fit" : "do not fit"}`).toBe(!fits);
      }),
      { numRuns: 2 },
    );
  });
});

test("the timers of all these groups fire, and the broker still serves", async () => {
  await clock.advance(400_000);
  const client = await BrokerClient.connect(broker.port);
  const { groups } = await passTimeUntil(client.request(listGroups, 4, {}));
  expect(groups.filter(({ groupState }) => groupState !== "Empty")).toEqual([]);
  client.close();
});
