import { type RunningRegistry, startRegistryStack } from "../../src/app/stack-registry.js";
import { SystemClock } from "../../src/base/clock.js";
import { SystemRandom } from "../../src/base/random.js";
import type { LogLines } from "./log-lines.js";

/** A registry in this process, on a free port, and requests to it. */
export class TestRegistry {
  private constructor(
    readonly name: string,
    readonly running: RunningRegistry,
    private readonly log: LogLines,
  ) {}

  static async start(
    kafka: string,
    log: LogLines,
    name: string,
    props: Readonly<Record<string, string>> = {},
  ): Promise<TestRegistry> {
    const running = await startRegistryStack({
      props: {
        "kafkastore.bootstrap.servers": `PLAINTEXT://${kafka}`,
        "kafkastore.topic.replication.factor": "1",
        listeners: "http://127.0.0.1:0",
        ...props,
      },
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: log.logger(name),
      env: {},
      listenOption: "listeners",
    });
    return new TestRegistry(name, running, log);
  }

  get url(): string {
    return this.running.url;
  }

  /** The next leader that this registry learns of, after line `from` of the log. */
  async leader(from = 0): Promise<{ readonly url: string; readonly at: number }> {
    const pattern = new RegExp(`^${this.name} .*registry's group has a leader leader=(\\S+)`);
    const { at, match } = await this.log.line(pattern, from);
    return { url: match[1]!, at };
  }

  /** Waits until this registry knows this leader. */
  async follows(url: string, from = 0): Promise<void> {
    for (let at = from; ; ) {
      const leader = await this.leader(at);
      if (leader.url === url) return;
      at = leader.at + 1;
    }
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { "Content-Type": "application/vnd.schemaregistry.v1+json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  }

  close(): Promise<void> {
    return this.running.close();
  }
}
