// Memory of `millrace broker` for each idle connection: its resident memory before and after clients have connected and
// asked for the API versions, once it has been quiet for some seconds.
//   node bench/connections.mjs [--connections 2000]
import { once } from "node:events";
import { connect } from "node:net";
import { atEnd, load, measured, options, report, temporaryFolder } from "./measurement.mjs";
import { residentMib, startMillrace } from "./processes.mjs";

const { connections } = options({ connections: 2000 });
/** Connections before the first figure, and those that are made at a time. */
const WARM = 100;
const QUIET_MS = 5000;
/** ApiVersions v0 of the client "a", with its size. */
const API_VERSIONS = Buffer.from("0000000b0012000000000001000161", "hex");

async function client(port) {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(API_VERSIONS);
  await once(socket, "data");
  return socket;
}

async function quietMib(pid) {
  await new Promise((next) => setTimeout(next, QUIET_MS));
  return residentMib(pid);
}

await measured(async () => {
  const { pid, line } = startMillrace(["broker", "--data", temporaryFolder(), "--listen", "127.0.0.1:0"]);
  const [, port] = await line(/^Kafka broker: \S+:(\d+)/);
  const sockets = [];
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
  });
  const open = async () => {
    sockets.push(...(await Promise.all(Array.from({ length: WARM }, () => client(Number(port))))));
  };
  await open();
  const before = await quietMib(pid);
  for (let count = 0; count < connections; count += WARM) await open();
  const after = await quietMib(pid);
  report({
    what: "connections",
    idle: sockets.length,
    rss_mib_before: before,
    rss_mib: after,
    kib_each: Number((((after - before) * 1024) / (sockets.length - WARM)).toFixed(1)),
    load1: load(),
  });
});
