import { OPEN_ACCESS } from "../../src/broker/access/access.js";
import type { Call, Handler } from "../../src/broker/handler.js";
import { ANONYMOUS } from "../../src/broker/security/session.js";
import { type Api, readCorrelationId, readRequestHeader } from "../../src/protocol/api.js";
import { ByteReader } from "../../src/protocol/byte-reader.js";
import type { Fields, InputOf, OutputOf } from "../../src/protocol/message-fields.js";

const ENDLESS_MEMORY = {
  roomBytes: Number.POSITIVE_INFINITY,
  reserve: () => undefined,
  room: () => Promise.resolve(),
  hold: () => () => undefined,
  take: Buffer.allocUnsafeSlow,
};

/** No client has a quota. */
const NO_QUOTAS = {
  record: () => 0,
  windowBytes: () => Number.POSITIVE_INFINITY,
  takeMutations: () => ({ isTaken: true, throttleMs: 0 }),
};

/** The parts of the broker that the handler under test uses. */
interface Rig {
  readonly broker: unknown;
  /** By default there is memory without end. */
  readonly memory?: unknown;
}

/** Has a handler serve one request, without a connection and with every right. Returns the decoded answer. */
export async function serve<Q extends Fields, S extends Fields>(
  handler: Handler,
  api: Api<Q, S>,
  version: number,
  request: InputOf<Q>,
  { broker, memory = ENDLESS_MEMORY }: Rig,
): Promise<OutputOf<S>> {
  const body = new ByteReader(Buffer.concat(api.encodeRequest(version, 1, "test", request)), 4);
  const { apiVersion, correlationId } = readRequestHeader(body);
  const closed = new AbortController().signal;
  const call = {
    broker: { quotas: NO_QUOTAS, ...(broker as object) },
    session: { user: ANONYMOUS },
    apiVersion,
    closed,
    memory,
    access: OPEN_ACCESS,
  } as unknown as Call;
  const served = await handler.serve({ apiVersion, correlationId, body }, call, undefined);
  return api.decodeResponse(version, readCorrelationId(Buffer.concat(served as Buffer[]).subarray(4)).reader);
}
