import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type Clock, SimClock, SystemClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { connectionConfig } from "../../../../src/kafka/client-properties.js";
import type { SaslConfig } from "../../../../src/kafka/security-config.js";
import { KafkajsTransport } from "../../../../src/kafka/transport/kafkajs-transport.js";
import type { Wire } from "../../../../src/kafka/transport/transport.js";
import { apiVersions } from "../../../../src/protocol/apis/api-versions.js";
import { produce } from "../../../../src/protocol/apis/produce.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";

const SASL_HANDSHAKE = 17;
const SASL_AUTHENTICATE = 36;

/** A broker's reaction to a request: the body of its answer, silence, or closing the connection. */
type Step = Buffer | "silence" | "close";

const servers: Server[] = [];
const sockets = new Set<Socket>();
const wires: Wire[] = [];

afterEach(() => {
  for (const wire of wires.splice(0)) wire.close();
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A broker that answers ApiVersions and has scripted reactions to the requests of SASL. Resolves to its port. */
async function listen(steps: Readonly<Record<number, Step>>): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const request = received.subarray(4, 4 + received.readInt32BE(0));
        received = received.subarray(4 + request.length);
        answer(socket, request, steps);
      }
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function answer(socket: Socket, request: Buffer, steps: Readonly<Record<number, Step>>): void {
  const correlationId = request.readInt32BE(4);
  if (request.readInt16BE(0) === apiVersions.key) {
    const apiKeys = [
      { apiKey: apiVersions.key, minVersion: 0, maxVersion: 0 },
      { apiKey: SASL_HANDSHAKE, minVersion: 0, maxVersion: 1 },
      { apiKey: SASL_AUTHENTICATE, minVersion: 0, maxVersion: 0 },
    ];
    socket.write(Buffer.concat(apiVersions.encodeResponse(0, correlationId, { errorCode: 0, apiKeys })));
    return;
  }
  const step = steps[request.readInt16BE(0)] ?? "silence";
  if (step === "close") socket.end();
  if (typeof step === "string") return;
  socket.write(Buffer.concat([int32(4 + step.length), int32(correlationId), step]));
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const text = (value: string) => Buffer.concat([int16(value.length), Buffer.from(value)]);
const handshaken = (errorCode: number, mechanism: string) =>
  Buffer.concat([int16(errorCode), int32(1), text(mechanism)]);
const authenticated = (errorCode: number, message: string) =>
  Buffer.concat([int16(errorCode), text(message), int32(0)]);

/** Connects; resolves to the error, if any. */
async function failureOf(port: number, mechanism: SaslConfig["mechanism"], timeoutMs = 30_000): Promise<unknown> {
  const config = connectionConfig({
    "bootstrap.servers": `127.0.0.1:${port}`,
    "request.timeout.ms": String(timeoutMs),
    "default.api.timeout.ms": "60000",
  });
  const sasl = { mechanism, username: "ann", password: "secret" };
  const transport = new KafkajsTransport(config, { tls: undefined, sasl }, new SystemClock(), silentLogger);
  try {
    wires.push(await transport.connect({ host: "127.0.0.1", port }));
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("a request without an answer", () => {
  test.each<[string, (wire: Wire) => void]>([
    ["here", (wire) => wire.close()],
    ["by the broker", () => void [...sockets].map((socket) => socket.resetAndDestroy())],
  ])("is not sent when the connection is closed %s while its bytes wait", async (_where, end) => {
    const port = await listen({});
    const config = connectionConfig({ "bootstrap.servers": `127.0.0.1:${port}` });
    const transport = new KafkajsTransport(
      config,
      { tls: undefined, sasl: undefined },
      new SystemClock(),
      silentLogger,
    );
    const wire = await transport.connect({ host: "127.0.0.1", port });
    wires.push(wire);
    for (const socket of sockets) socket.pause();
    const moreThanSystemsBuffer = Buffer.alloc(64 * 1024 * 1024);
    const posted = wire.post(produce, () => [moreThanSystemsBuffer]);
    end(wire);
    await expect(posted).rejects.toMatchObject({ codeName: "NETWORK_EXCEPTION", retriable: true });
  });
});

/** Connects without SASL. */
async function connectTo(port: number, clock: Clock): Promise<Wire> {
  const config = connectionConfig({ "bootstrap.servers": `127.0.0.1:${port}` });
  const transport = new KafkajsTransport(config, { tls: undefined, sasl: undefined }, clock, silentLogger);
  const wire = await transport.connect({ host: "127.0.0.1", port });
  wires.push(wire);
  return wire;
}

function requestOf(correlationId: number): Buffer[] {
  const request = Buffer.concat([int16(produce.key), int16(3), int32(correlationId)]);
  return [Buffer.concat([int32(request.length), request])];
}

describe("a request that is not answered", () => {
  test("fails when its time is up, and closes its connection", async () => {
    const clock = new SimClock();
    const wire = await connectTo(await listen({ [produce.key]: "silence" }), clock);
    const refused = expect(wire.exchange(produce, 3, requestOf, 40_000)).rejects.toMatchObject({
      codeName: "REQUEST_TIMED_OUT",
      retriable: true,
    });
    await clock.advance(39_999);
    expect(wire.isOpen).toBe(true);
    await clock.advance(1);
    await refused;
    expect(wire.isOpen).toBe(false);
  });

  test("leaves no timer once its connection is lost", async () => {
    const clock = new SimClock();
    const wire = await connectTo(await listen({ [produce.key]: "close" }), clock);
    expect(clock.pendingTimers).toBe(0);
    await expect(wire.exchange(produce, 3, requestOf, 40_000)).rejects.toMatchObject({
      codeName: "NETWORK_EXCEPTION",
    });
    expect(clock.pendingTimers).toBe(0);
  });
});

test("connections share their read buffer, and no answer", async () => {
  const texts = ["a", "b", "c"].map((letter) => letter.repeat(200_000));
  const clock = new SystemClock();
  const asked = texts.map(async (text) => {
    const wire = await connectTo(await listen({ [produce.key]: Buffer.from(text) }), clock);
    return String(await wire.exchange(produce, 3, requestOf, 30_000));
  });
  expect(await Promise.all(asked)).toEqual(texts);
});

describe("authenticating", () => {
  test("connects when the broker accepts the credentials", async () => {
    const port = await listen({ [SASL_HANDSHAKE]: handshaken(0, "PLAIN"), [SASL_AUTHENTICATE]: authenticated(0, "") });
    expect(await failureOf(port, "PLAIN")).toBeUndefined();
    expect(wires[0]!.isOpen).toBe(true);
  });

  test.each(["PLAIN", "SCRAM-SHA-256"] as const)("a connection lost during %s is not a refusal", async (mechanism) => {
    const port = await listen({ [SASL_HANDSHAKE]: handshaken(0, mechanism), [SASL_AUTHENTICATE]: "close" });
    expect(await failureOf(port, mechanism)).toMatchObject({ codeName: "NETWORK_EXCEPTION", retriable: true });
  });

  test("a broker that does not answer in time has not refused either", async () => {
    const port = await listen({ [SASL_HANDSHAKE]: handshaken(0, "PLAIN"), [SASL_AUTHENTICATE]: "silence" });
    expect(await failureOf(port, "PLAIN", 200)).toMatchObject({ codeName: "REQUEST_TIMED_OUT", retriable: true });
  });

  test.each(["PLAIN", "SCRAM-SHA-256"] as const)("refused %s credentials have their own error", async (mechanism) => {
    const port = await listen({
      [SASL_HANDSHAKE]: handshaken(0, mechanism),
      [SASL_AUTHENTICATE]: authenticated(58, "no such user"),
    });
    const error = await failureOf(port, mechanism);
    expect(KafkaError.is(error, "SASL_AUTHENTICATION_FAILED")).toBe(true);
    expect(error).toMatchObject({ retriable: false, message: expect.stringContaining("no such user") });
  });

  test("a mechanism that the broker does not enable is not retriable", async () => {
    const port = await listen({ [SASL_HANDSHAKE]: handshaken(33, "SCRAM-SHA-512") });
    expect(await failureOf(port, "PLAIN")).toMatchObject({ codeName: "UNSUPPORTED_SASL_MECHANISM", retriable: false });
  });
});
