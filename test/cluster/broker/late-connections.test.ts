import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { BrokerProperties } from "../../../src/broker/broker-properties.js";
import { ConnectionLimits } from "../../../src/broker/net/connection-limits.js";
import type { Dispatcher } from "../../../src/broker/net/dispatcher.js";
import { Listener, type ListenerContext } from "../../../src/broker/net/listener.js";
import { MemoryBudget } from "../../../src/broker/net/memory-budget.js";
import type { ListenerPlan } from "../../../src/broker/net/plan-listener.js";
import type { ClientQuotas } from "../../../src/broker/quotas/client-quotas.js";

const LATE_MS = 60_000;
const REQUEST = Buffer.from([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]);

/** A listener with one place, of whose connections these come too early. */
async function start(isLate: (count: number) => boolean) {
  const clock = new SimClock();
  const properties = new BrokerProperties({ "max.connections": "1" });
  let count = 0;
  const quotas = { recordConnection: () => (isLate(++count) ? LATE_MS : 0) } as unknown as ClientQuotas;
  const dispatcher = {
    readsAtOnce: true,
    limitOf: () => 100,
    dispatch: () => [Buffer.from("answer")],
  } as unknown as Dispatcher;
  const context: ListenerContext = {
    dispatcher,
    budget: new MemoryBudget(() => -1, clock),
    limits: new ConnectionLimits(properties, quotas, silentLogger),
    properties,
    sasl: { users: { secret: Buffer.alloc(1), credential: () => undefined }, clock, random: undefined as never },
    clock,
    logger: silentLogger,
  };
  const plan: ListenerPlan = {
    name: "PLAINTEXT",
    protocol: "PLAINTEXT",
    listen: { host: "127.0.0.1", port: 0 },
    advertised: undefined,
  };
  const listener = await Listener.open(plan, { tls: undefined, sasl: undefined }, context);
  onTestFinished(() => listener.abandon());
  const open = async () => {
    const socket = connect(listener.port, "127.0.0.1");
    await once(socket, "connect");
    return socket.resume();
  };
  return { clock, open };
}

function closeOf(socket: Socket): Promise<unknown> {
  socket.on("error", () => undefined);
  return once(socket, "close");
}

test("a connection that is closed late takes no place of max.connections, and gives none back", async () => {
  const { clock, open } = await start((count) => count === 1);
  const late = closeOf(await open());
  const served = await open();
  const answered = once(served, "data");
  served.write(REQUEST);
  expect(String((await answered)[0])).toBe("answer");
  await clock.advance(LATE_MS);
  await late;
  await closeOf(await open());
  served.destroy();
});

test("500 connections at most are closed late: beyond them, the oldest is closed at once", async () => {
  const { open } = await start(() => true);
  const sockets = [await open()];
  const first = closeOf(sockets[0]!);
  for (let count = 1; count <= 500; count++) sockets.push(await open());
  await first;
  expect(sockets.filter(({ destroyed }) => !destroyed).length).toBe(500);
  for (const socket of sockets) socket.destroy();
});
