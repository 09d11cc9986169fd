import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MillraceProcess } from "../support/millrace-process.js";
import { RestClient } from "../support/rest-client.js";
import { testWorkerProps } from "../support/stack.js";

/** Our worker as users start it: a process of its own, from the build. */
export class OurWorker {
  private constructor(
    readonly process: MillraceProcess,
    readonly rest: RestClient,
    private readonly folder: string,
  ) {}

  /** Returns when REST answers. */
  static async start(kafka: string, props: Readonly<Record<string, string>> = {}): Promise<OurWorker> {
    const folder = mkdtempSync(join(tmpdir(), "millrace-worker-"));
    const file = join(folder, "worker.properties");
    const lines = Object.entries(testWorkerProps(kafka, props)).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, lines.join(""));
    const worker = new MillraceProcess(["worker", file]);
    const [, url = ""] = await worker.line(/^REST interface: (\S+)/);
    return new OurWorker(worker, new RestClient(url), folder);
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
