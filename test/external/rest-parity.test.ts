import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sendRaw } from "../support/raw-http.js";
import { TestStack } from "../support/stack.js";
import { findPeers, Peers } from "./peers.js";
import { messageOf, rawAnswer, shapeOf } from "./raw-answer.js";
import { type Aspect, REST_REQUESTS, type RestRequest } from "./rest-requests.js";

const { script, missing } = findPeers();

type Answer = Readonly<Record<Aspect, unknown>>;

/** The same requests, in the same order, to the real Kafka Connect and to ours. */
describe.skipIf(missing)("REST beside the real Kafka Connect", () => {
  let peers: Peers;
  let stack: TestStack;
  let ports: { readonly theirs: number; readonly ours: number };

  beforeAll(async () => {
    stack = await TestStack.start();
    peers = await Peers.prepare(script);
    await peers.startKafka();
    await peers.startConnect();
    ports = { theirs: Number(new URL(peers.connectUrl).port), ours: Number(new URL(stack.worker.restUrl).port) };
  });
  afterAll(async () => {
    await stack?.close();
    await peers?.stop();
  });

  test.each(
    REST_REQUESTS.map((request, at) => [`${at}: ${request.line} ${JSON.stringify(request.body) ?? ""}`, request]),
  )("%s", async (_title, request) => {
    const theirs = await ask(ports.theirs, request as RestRequest);
    const ours = await ask(ports.ours, request as RestRequest);
    const differing = Object.fromEntries(
      (Object.keys(theirs) as Aspect[])
        .filter((aspect) => JSON.stringify(theirs[aspect]) !== JSON.stringify(ours[aspect]))
        .map((aspect) => [aspect, { theirs: theirs[aspect], ours: ours[aspect] }]),
    );
    expect(Object.keys(differing).sort(), JSON.stringify(differing)).toEqual(
      Object.keys((request as RestRequest).differs ?? {}).sort(),
    );
  });
});

/** Asks again while a rebalance is going on, which the two do at different times. */
async function ask(port: number, { line, headers = {}, body }: RestRequest): Promise<Answer> {
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const lines = Object.entries({
    Host: "worker:1",
    Connection: "close",
    ...headers,
    ...(text !== undefined && { "Content-Length": String(Buffer.byteLength(text)) }),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  for (;;) {
    const answer = await sendRaw(port, `${line} HTTP/1.1\r\n${lines.join("")}\r\n${text ?? ""}`);
    if (!/rebalance/.test(answer)) return answerOf(answer);
  }
}

function answerOf(text: string): Answer {
  const { status, headers, body } = rawAnswer(text);
  return {
    status,
    type: headers.get("content-type")?.[0],
    allow: headers.get("allow")?.[0],
    location: headers.get("location")?.[0],
    shape: shapeOf(body),
    message: messageOf(body),
  };
}
