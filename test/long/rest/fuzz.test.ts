import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { MillraceProcess } from "../../support/millrace-process.js";
import { type RandomRequest, randomRequest } from "../../support/random-request.js";
import type { RestClient } from "../../support/rest-client.js";
import { seedOf } from "../../support/seed.js";
import { startWorkerProcess, TestStack } from "../../support/stack.js";

const REQUESTS = 10_000;
const AT_ONCE = 16;
/** No request that is not cut off waits longer than the herder's longest answer. */
const HANG_MS = 100_000;
const clock = new SystemClock();

let stack: TestStack;
let worker: { readonly process: MillraceProcess; readonly rest: RestClient };

beforeAll(async () => {
  stack = await TestStack.start();
  await stack.worker.close();
  worker = await startWorkerProcess(stack, { "group.id": "fuzzed" });
});
afterAll(async () => {
  await worker?.process.stop();
  await stack.close();
});

test("10,000 random requests neither crash nor hang a worker, nor leave connections behind", async () => {
  const seed = seedOf("random requests");
  const random = new SeededRandom(seed);
  const port = Number(new URL(worker.rest.url).port);
  const before = await usage();
  const counts = new Map<number, number>();
  const faults: string[] = [];
  let left = 0;
  const client = async () => {
    while (left-- > 0) {
      const request = randomRequest(random);
      const answer = await exchange(port, request);
      if (request.hangsUp) continue;
      const status = Number(
        /^HTTP\/1\.1 (\d{3}) /.exec(answer.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ""))?.[1] ?? 0,
      );
      counts.set(status, (counts.get(status) ?? 0) + 1);
      const fault = faultOf(request, status, answer);
      if (fault) faults.push(`${request.label}: ${fault}`);
    }
  };
  const send = async (requests: number) => {
    left = requests;
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    return usage();
  };
  const halfway = await send(REQUESTS / 2);
  const after = await send(REQUESTS / 2);
  console.log(JSON.stringify(Object.fromEntries([...counts].sort(([a], [b]) => a - b))));
  // One of each kind, however often it happened.
  expect([...new Map(faults.map((fault) => [fault.replace(/^[^:]*: /, "").slice(0, 60), fault])).values()]).toEqual([]);
  expect((await worker.rest.get("/health")).status).toBe(200);
  if (before && halfway && after) {
    expect(after.files).toBeLessThan(before.files + 20);
    expect(after.residentMiB).toBeLessThan(halfway.residentMiB + 100);
  }
  for (const name of (await worker.rest.get("/connectors")).body as string[]) {
    expect((await worker.rest.delete(`/connectors/${encodeURIComponent(name)}`)).status).toBe(204);
  }
  expect(await worker.process.stop()).toBe("status 0");
});

/** Sends a request and returns what comes back until the connection ends. */
function exchange(port: number, { pieces, hangsUp }: RandomRequest): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const parts: Buffer[] = [];
    const overdue = clock.schedule(HANG_MS, () => socket.destroy());
    socket.on("data", (chunk) => parts.push(chunk));
    // A server that refuses a body closes while it is still being sent.
    socket.on("error", () => {});
    socket.on("close", () => {
      overdue.cancel();
      resolve(Buffer.concat(parts).toString("latin1"));
    });
    const send = (at: number) => {
      const piece = pieces[at];
      if (piece === undefined) {
        if (hangsUp) socket.destroy();
      } else if (!socket.destroyed) socket.write(piece, () => send(at + 1));
    };
    send(0);
  });
}

/** What is wrong with an answer, if anything is. */
function faultOf({ label, pieces }: RandomRequest, status: number, answer: string): string | undefined {
  if (status === 0) {
    // Node hangs up on CONNECT, and on a request that goes on after it was refused: the reset of the connection may then
    // overtake the answer. One that arrives at once is answered.
    const size = pieces.reduce((sum, { length }) => sum + length, 0);
    const mayGoOn = pieces.length > 1 || size > 8 * 1024;
    return mayGoOn ? undefined : `no answer (${JSON.stringify(answer.slice(0, 200))})`;
  }
  if (status >= 500) return answer.slice(answer.indexOf("\r\n\r\n")).slice(0, 300);
  if (status < 400 || label.startsWith("HEAD ")) return undefined;
  return answer.includes(`"error_code":${status},`) ? undefined : `not an error body: ${answer.slice(0, 500)}`;
}

/** The files and sockets that the worker has open, and its memory, where the kernel tells. */
async function usage(): Promise<{ readonly files: number; readonly residentMiB: number } | undefined> {
  // Answered after the ends of all connections that were closed before.
  for (let i = 0; i < 3; i++) await worker.rest.get("/health");
  const folder = `/proc/${worker.process.pid}`;
  if (!existsSync(folder)) return undefined;
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`${folder}/status`, "utf8"))?.[1];
  return { files: readdirSync(`${folder}/fd`).length, residentMiB: Number(kib) / 1024 };
}
