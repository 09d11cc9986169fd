import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { MillraceProcess } from "../support/millrace-process.js";
import { testWorkerProps } from "../support/stack.js";
import { type AccessAspect, type AccessRequest, GUARDED_REQUESTS, OPEN_REQUESTS } from "./access-requests.js";
import { OurWorker } from "./our-worker.js";
import { findPeers, freePort, Peers } from "./peers.js";
import { messageOf, rawAnswer, shapeOf } from "./raw-answer.js";

const { script, missing } = findPeers();

const TLS = resolve(import.meta.dirname, "../support/tls");
const pem = (name: string) => readFileSync(join(TLS, `${name}.pem`));
const EXTENSION = "org.apache.kafka:connect-basic-auth-extension:4.3.1";
const PACKAGE = "org.apache.kafka.connect.rest.basic.auth.extension";

/** The answers' own, which differ from server to server and which no client reads. */
const IGNORED = ["date", "server", "content-length", "transfer-encoding", "connection"];

type Ports = Readonly<Record<AccessRequest["to"], number>>;
type Answer = Readonly<Record<AccessAspect, unknown>> | "refused";

/** The listeners of one worker. */
async function freePorts(): Promise<Ports> {
  return { http: await freePort(), https: await freePort(), admin: await freePort() };
}

function listeners({ http, https }: Ports, clientAuth: string): Record<string, string> {
  return {
    listeners: `http://127.0.0.1:${http},https://127.0.0.1:${https}`,
    "listeners.https.ssl.keystore.type": "PKCS12",
    "listeners.https.ssl.keystore.location": join(TLS, "worker.p12"),
    "listeners.https.ssl.keystore.password": "changeit",
    "listeners.https.ssl.truststore.type": "JKS",
    "listeners.https.ssl.truststore.location": join(TLS, "trust.jks"),
    "listeners.https.ssl.truststore.password": "changeit",
    "listeners.https.ssl.client.auth": clientAuth,
  };
}

const guarded = (ports: Ports): Record<string, string> => ({
  ...listeners(ports, "required"),
  "rest.extension.classes": `${PACKAGE}.BasicAuthSecurityRestExtension`,
  "access.control.allow.origin": "https://pages\\.example,https://.*\\.trusted\\.example",
  "access.control.allow.methods": "GET,PUT,DELETE",
  "response.http.headers.config":
    'add Cache-Control: no-store, add Cache-Control: private, "set X-List: a, b", setDate Expires: 31540000000, addDate X-Made: 0',
  "admin.listeners": `http://127.0.0.1:${ports.admin}`,
});

const open = (ports: Ports): Record<string, string> => ({
  ...listeners(ports, "requested"),
  "access.control.allow.origin": "*",
  "admin.listeners": "",
});

/** Java reads backslashes in properties as the beginning of an escape. */
function properties(props: Readonly<Record<string, string>>): string {
  return Object.entries(props)
    .map(([name, value]) => `${name}=${value.replaceAll("\\", "\\\\")}\n`)
    .join("");
}

/** The same requests, in the same order, to the real Kafka Connect and to ours, with and without users. */
describe.skipIf(missing)("access to REST beside the real Kafka Connect", () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-access-"));
  let broker: TestBroker;
  let ours: OurWorker[];
  let theirs: Peers[];
  let ports: { readonly theirs: Ports; readonly ours: Ports }[];

  beforeAll(async () => {
    writeFileSync(join(folder, "users.properties"), "ann=p:w\nbob=\n");
    const jaas = join(folder, "jaas.conf");
    const users = join(folder, "users.properties");
    writeFileSync(jaas, `KafkaConnect { ${PACKAGE}.PropertyFileLoginModule required file="${users}"; };\n`);
    // The starter waits for an answer of REST, for which it needs a user.
    writeFileSync(join(folder, ".curlrc"), 'user = "ann:p:w"\n');
    broker = await startTestBroker();
    theirs = [];
    ours = [];
    ports = [];
    for (const [at, propsOf] of [guarded, open].entries()) {
      const extra = join(folder, `worker-${at}.properties`);
      const group = { PEER_GROUP: `theirs-${at}`, PEER_TOPIC_PREFIX: `theirs-${at}` };
      const peers = await Peers.prepare(
        script,
        {
          ...group,
          PEER_BOOTSTRAP: broker.bootstrap,
          WORKER_EXTRA: extra,
          CONNECT_HEAP: `-Xmx512m -Djava.security.auth.login.config=${jaas}`,
          CURL_HOME: folder,
        },
        [EXTENSION],
      );
      theirs.push(peers);
      const each = { theirs: await freePorts(), ours: await freePorts() };
      const theirPorts = { ...each.theirs, http: Number(new URL(peers.connectUrl).port) };
      ports.push({ theirs: theirPorts, ours: each.ours });
      writeFileSync(extra, properties(propsOf(theirPorts)));
      await peers.startConnect();
      const own = { ...propsOf(each.ours), "java.security.auth.login.config": jaas };
      const topics = ["config", "offset", "status"].map((of) => [`${of}.storage.topic`, `ours-${at}-${of}`]);
      ours.push(
        await OurWorker.start(broker.bootstrap, {
          ...Object.fromEntries(Object.entries(own).map(([name, value]) => [name, value.replaceAll("\\", "\\\\")])),
          ...Object.fromEntries(topics),
          "group.id": `ours-${at}`,
        }),
      );
    }
  });
  afterAll(async () => {
    for (const worker of ours ?? []) await worker.stop();
    for (const peers of theirs ?? []) await peers.stop();
    await broker?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("neither starts with an admin listener on a port of listeners; ours names both keys", async () => {
    const extra = join(folder, "same-port.properties");
    const env = { PEER_BOOTSTRAP: broker.bootstrap, WORKER_EXTRA: extra, CONNECT_HEAP: "-Xmx512m", CURL_HOME: folder };
    const peers = await Peers.prepare(script, { ...env, PEER_GROUP: "same-port", PEER_TOPIC_PREFIX: "same-port" });
    try {
      writeFileSync(extra, `admin.listeners=${peers.connectUrl}\n`);
      await expect(peers.startConnect()).rejects.toThrow(/connect stopped/);
      expect(peers.log("connect")).toMatch(/BindException: Address already in use/);
      const props = testWorkerProps(broker.bootstrap, {
        listeners: peers.connectUrl,
        "admin.listeners": peers.connectUrl,
      });
      writeFileSync(extra, properties(props));
      const ours = new MillraceProcess(["worker", extra]);
      expect(await ours.exited).toBe("status 1");
      expect(ours.log).toMatch(
        /millrace: Invalid value http:\S+ for configuration admin\.listeners: listeners has that port already; leave admin\.listeners out/,
      );
    } finally {
      await peers.stop();
    }
  });

  const cases = [GUARDED_REQUESTS, OPEN_REQUESTS].flatMap((requests, worker) =>
    requests.map((request, at) => {
      const { to, line, headers, as } = request;
      const title = `${worker === 0 ? "guarded" : "open"} ${at}: ${to} ${line} ${JSON.stringify(headers)} ${as ?? ""}`;
      return [title, worker, request] as const;
    }),
  );

  test.each(cases)("%s", async (_title, worker, request) => {
    const { theirs: there, ours: here } = ports[worker]!;
    const [a, b] = [await ask(there, request), await ask(here, request)];
    const differing = differences(a, b);
    expect(Object.keys(differing).sort(), JSON.stringify(differing)).toEqual(Object.keys(request.differs ?? {}).sort());
  });
});

function differences(theirs: Answer, ours: Answer): Record<string, { theirs: unknown; ours: unknown }> {
  if (theirs === "refused" || ours === "refused") return theirs === ours ? {} : { status: { theirs, ours } };
  return Object.fromEntries(
    (["status", "headers", "body"] as const)
      .filter((aspect) => JSON.stringify(theirs[aspect]) !== JSON.stringify(ours[aspect]))
      .map((aspect) => [aspect, { theirs: theirs[aspect], ours: ours[aspect] }]),
  );
}

/** "refused": the connection ended without an answer. */
async function ask(ports: Ports, { to, line, headers = {}, body, as }: AccessRequest): Promise<Answer> {
  const lines = Object.entries({
    Host: "worker:1",
    Connection: "close",
    ...headers,
    ...(/^(POST|PUT)/.test(line) && { "Content-Length": String(Buffer.byteLength(body ?? "")) }),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  for (;;) {
    const text = await sent(ports[to], to === "https", as, `${line} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`);
    if (text === "") return "refused";
    if (/rebalance/.test(text)) continue;
    const answer = rawAnswer(text);
    return {
      status: answer.status,
      headers: Object.fromEntries(
        [...answer.headers]
          .filter(([name]) => !IGNORED.includes(name))
          .sort(([one], [other]) => (one < other ? -1 : 1))
          .map(([name, values]) => [name, values.map((value) => masked(name, value))]),
      ),
      body: typeof answer.body === "string" ? answer.body : [shapeOf(answer.body), messageOf(answer.body)],
    };
  }
}

/** Their default methods come in another order at each start. */
function masked(name: string, value: string): string {
  if (name === "access-control-allow-methods") return value.split(",").sort().join();
  return / GMT$/.test(value) ? "a date" : value;
}

function sent(port: number, isTls: boolean, as: AccessRequest["as"], request: string): Promise<string> {
  return new Promise((answered) => {
    const to = { host: "127.0.0.1", port };
    const socket = isTls
      ? connectTls({ ...to, ca: pem("ca"), ...(as && { cert: pem(as), key: pem(as) }) })
      : connectPlain(to);
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => answered(text));
    socket.write(request);
  });
}
