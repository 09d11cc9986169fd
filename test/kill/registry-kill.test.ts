import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { deferred } from "../../src/base/deferred.js";
import { startTestBroker } from "../support/broker.js";
import { MillraceProcess } from "../support/millrace-process.js";

const EACH = 100;
const folder = mkdtempSync(join(tmpdir(), "millrace-registries-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What all registries say of their leader: a follower may know it before it knows itself. */
class Elections {
  #count = 0;
  #news = deferred();

  get count(): number {
    return this.#count;
  }

  add(): void {
    this.#count++;
    this.#news.resolve();
    this.#news = deferred();
  }

  /** Resolves once there are more than these. */
  async after(count: number): Promise<void> {
    while (this.#count <= count) await this.#news.promise;
  }
}

/** A registry in a process of its own. */
class RegistryProcess {
  readonly process: MillraceProcess;

  constructor(kafka: string, name: string, elections: Elections) {
    const file = join(folder, `${name}.properties`);
    const lines = ["listeners=http://127.0.0.1:0", `kafkastore.bootstrap.servers=${kafka}`];
    writeFileSync(file, lines.join("\n"));
    this.process = new MillraceProcess(["registry", file], {}, (line) => {
      if (/registry's group has a leader leader=http/.test(line)) elections.add();
    });
  }

  async url(): Promise<string> {
    return (await this.process.line(/^Schema registry: (.*)$/))[1]!;
  }
}

test("a leader that is killed amidst registrations loses none, and no id or version is given twice", async () => {
  const broker = await startTestBroker();
  const elections = new Elections();
  const registries = ["one", "two", "three"].map((name) => new RegistryProcess(broker.bootstrap, name, elections));
  try {
    const urls = await Promise.all(registries.map((each) => each.url()));
    const byUrl = new Map(urls.map((url, at) => [url, registries[at]!]));
    const [first, ...others] = [...urls].sort() as [string, string, string];
    await Promise.all(registries.map((each) => each.process.line(new RegExp(`has a leader leader=${first}$`))));

    const answers: { id: number; version: number; schema: string }[] = [];
    const someDone = deferred();
    const client = async (url: string, from: number) => {
      for (let name = from; name < from + EACH; ) {
        const schema = `{"type":"record","name":"R${name}","fields":[]}`;
        const known = elections.count;
        const answer = await fetch(`${url}/subjects/many/versions?force=true`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ schema }),
        });
        const text = await answer.text();
        if (answer.status === 200) {
          answers.push({ ...(JSON.parse(text) as { id: number; version: number }), schema });
          if (answers.length === EACH) someDone.resolve();
          name++;
        } else {
          expect(text).toMatch(/"error_code":5000[1234]/);
          await elections.after(known);
        }
      }
    };
    const clients = others.flatMap((url, at) => [client(url, at * 1000), client(url, at * 1000 + 500)]);
    await Promise.race([someDone.promise, Promise.all(clients)]);
    await byUrl.get(first)!.process.kill9();
    await Promise.all(clients);

    const count = 4 * EACH;
    expect(new Set(answers.map(({ id }) => id)).size).toBe(count);
    expect(answers.map(({ version }) => version).sort((a, b) => a - b)).toEqual(
      Array.from({ length: count }, (_, at) => at + 1),
    );
    for (const { id, schema } of answers) {
      expect(await (await fetch(`${others[1]}/schemas/ids/${id}/schema`)).text()).toBe(schema);
    }
  } finally {
    for (const { process } of registries) await process.kill9();
    await broker.close();
  }
});
