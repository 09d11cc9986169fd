import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type Deferred, deferred } from "../../src/base/deferred.js";

/** A partition and an offset in it, as one text. */
export type RecordId = string;

export interface VerifiableOptions {
  /** The starter of the originals. */
  readonly script: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly bootstrap: string;
  readonly group: string;
  readonly topic: string;
  readonly protocol: "classic" | "consumer";
}

interface VerifiableEvent {
  readonly name: string;
  readonly count?: number;
  readonly success?: boolean;
  readonly partition?: number;
  readonly offset?: number;
  readonly partitions?: readonly { readonly partition: number }[];
}

/** Java's verifiable consumer, as a process of its own. It commits what each poll has returned. */
export class VerifiableConsumer {
  readonly partitions = new Set<number>();
  /** The records that it has got, each as often as it has got it. */
  readonly consumed: RecordId[] = [];
  /** Those of them whose commit was acknowledged. */
  readonly committed: RecordId[] = [];
  readonly #child: ChildProcess;
  readonly #ended = deferred();
  #uncommitted: RecordId[] = [];
  #waits: { readonly isDone: () => boolean; readonly done: Deferred<void> }[] = [];

  constructor({ script, environment, bootstrap, group, topic, protocol }: VerifiableOptions) {
    const args = ["--bootstrap-server", bootstrap, "--group-id", group, "--topic", topic, "--reset-policy", "earliest"];
    this.#child = spawn(
      script,
      ["tool", "org.apache.kafka.tools.VerifiableConsumer", ...args, "--group-protocol", protocol, "--verbose"],
      { env: environment, detached: true, stdio: ["ignore", "pipe", "ignore"] },
    );
    const lines = createInterface({ input: this.#child.stdout! });
    lines.on("line", (line) => {
      if (line.startsWith("{")) this.#take(JSON.parse(line) as VerifiableEvent);
    });
    lines.on("close", () => this.#ended.resolve());
  }

  /** Resolves once `isDone` holds after an event. */
  async until(isDone: () => boolean): Promise<void> {
    if (isDone()) return;
    const done = deferred();
    this.#waits.push({ isDone, done });
    await done.promise;
  }

  kill(signal: "SIGKILL" | "SIGTERM"): void {
    // The starter's shell and Java are one group of processes.
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(-this.#child.pid!, signal);
  }

  /** Lets it commit and leave, and resolves once it has. */
  async stop(): Promise<void> {
    this.kill("SIGTERM");
    await this.#ended.promise;
  }

  #take(event: VerifiableEvent): void {
    const numbers = event.partitions?.map(({ partition }) => partition) ?? [];
    if (event.name === "partitions_assigned") for (const each of numbers) this.partitions.add(each);
    if (event.name === "partitions_revoked") for (const each of numbers) this.partitions.delete(each);
    if (event.name === "record_data") {
      this.consumed.push(`${event.partition} ${event.offset}`);
      this.#uncommitted.push(`${event.partition} ${event.offset}`);
    }
    if (event.name === "offsets_committed") {
      if (event.success) this.committed.push(...this.#uncommitted);
      this.#uncommitted = [];
    }
    for (const { isDone, done } of this.#waits) if (isDone()) done.resolve();
    this.#waits = this.#waits.filter(({ isDone }) => !isDone());
  }
}
