import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { SinkPlugin, SourcePlugin } from "../../../src/api/index.js";
import type { conformance as Conformance } from "../../../src/testing/index.js";
import { TestStack } from "../../support/stack.js";

// examples/connector as a user of the package has it: a package beside an installed millrace, which is a copy of what
// npm would pack, so that nothing works merely because both share one copy of the api.

const root = new URL("../../../", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "millrace-example-"));
const installed = join(folder, "node_modules", "millrace");
mkdirSync(installed, { recursive: true });
const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { files: string[] };
for (const each of [...files, "package.json"]) cpSync(join(root, each), join(installed, each), { recursive: true });
symlinkSync(join(root, "node_modules/@types"), join(folder, "node_modules/@types"));
cpSync(join(root, "examples/connector"), folder, { recursive: true });
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], { stdio: "pipe" });
const load = (path: string) => import(pathToFileURL(path).href);
const [source, sink] = (await load(join(folder, "index.js"))).default as [SourcePlugin, SinkPlugin];
const { conformance } = (await load(join(installed, "dist/src/testing/index.js"))) as {
  conformance: typeof Conformance;
};

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The feed that the source reads and the endpoint that the sink posts to. */
class HttpPlace {
  readonly entries: { id: number; text: string }[] = [];
  readonly posted: string[] = [];
  readonly #server: Server = createServer(async (request, response) => {
    const after = Number(new URL(request.url ?? "/", "http://x").searchParams.get("after"));
    let body = "";
    for await (const chunk of request) body += String(chunk);
    if (request.method === "POST") this.posted.push(...(JSON.parse(body) as string[]));
    response.end(JSON.stringify(this.entries.filter(({ id }) => id > after)));
    this.onPost?.();
  });
  onPost: (() => void) | undefined;
  url = "";

  static async open(): Promise<HttpPlace> {
    const place = new HttpPlace();
    await new Promise<void>((listening) => place.#server.listen(0, "127.0.0.1", listening));
    place.url = `http://127.0.0.1:${(place.#server.address() as AddressInfo).port}/`;
    return place;
  }

  async grow(count: number): Promise<void> {
    for (let left = count; left > 0; left--) {
      const id = this.entries.length + 1;
      this.entries.push({ id, text: `entry ${id}` });
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}

test("source and sink are under 60 lines each", () => {
  for (const file of ["http-source.ts", "http-sink.ts"])
    expect(readFileSync(join(root, "examples/connector", file), "utf8").split("\n").length - 1).toBeLessThan(60);
});

describe("the example passes the conformance checks", () => {
  const checks = [
    ...conformance(source, async () => {
      const place = await HttpPlace.open();
      return {
        props: { "http.url": place.url, topic: "feed" },
        refused: { topic: null, "http.url": "", "poll.interval.ms": "soon" },
        stopWithinMs: 10_000,
        grow: (count) => place.grow(count),
        cleanUp: () => place.close(),
      };
    }),
    ...conformance(sink, async () => {
      const place = await HttpPlace.open();
      return {
        props: { "http.url": place.url },
        refused: { "http.url": null },
        stopWithinMs: 10_000,
        delivered: async () => place.posted,
        cleanUp: () => place.close(),
      };
    }),
  ];
  for (const { name, run } of checks) test(name, run);
});

test("a worker loads them from plugin.path and moves entries from the feed to the endpoint", async () => {
  const place = await HttpPlace.open();
  await place.grow(3);
  const stack = await TestStack.start({ props: { "plugin.path": folder } });
  try {
    const arrived = new Promise<void>((resolve) => {
      place.onPost = () => place.posted.length >= 3 && resolve();
    });
    await stack.rest.create("in", { "connector.class": source.className, "http.url": place.url, topic: "feed" });
    await stack.rest.create("out", { "connector.class": sink.className, "http.url": place.url, topics: "feed" });
    await arrived;
    expect(place.posted).toEqual(["entry 1", "entry 2", "entry 3"]);
  } finally {
    await stack.close();
    await place.close();
  }
});
