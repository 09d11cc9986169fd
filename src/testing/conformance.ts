import type { ConnectorPlugin, SinkPlugin, SourcePlugin } from "../api/index.js";
import { checkAccepted, checkRefused } from "./config-conformance.js";
import type { SinkFixture, SourceFixture } from "./fixture.js";
import * as sink from "./sink-conformance.js";
import * as source from "./source-conformance.js";

/** One requirement of a plugin. `run` rejects if the plugin does not meet it; the error describes what happened. */
export interface ConformanceCheck {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * The checks that every connector plugin must pass, for any test runner:
 * `for (const { name, run } of conformance(plugin, fixture)) test(name, run);`
 *
 * The checks drive connector and task as a worker does, in this process and in real time.
 *
 * @param fixture called for each check; each call returns a fresh place (a folder, topic or bucket).
 */
export function conformance(plugin: SourcePlugin, fixture: () => Promise<SourceFixture>): readonly ConformanceCheck[];
export function conformance(plugin: SinkPlugin, fixture: () => Promise<SinkFixture>): readonly ConformanceCheck[];
export function conformance(
  plugin: ConnectorPlugin,
  fixture: () => Promise<SourceFixture | SinkFixture>,
): readonly ConformanceCheck[] {
  const check = (name: string, run: (made: SourceFixture & SinkFixture, stopMs: number) => Promise<void>) => ({
    name: `${plugin.className} ${name}`,
    run: async () => {
      const made = (await fixture()) as SourceFixture & SinkFixture;
      try {
        await run(made, made.stopWithinMs ?? 1000);
      } finally {
        await made.cleanUp?.();
      }
    },
  });
  const config = [
    check("takes a configuration that works", ({ props }) => checkAccepted(plugin, props)),
    check("refuses a bad configuration and names the key", async ({ props, refused }) => {
      for (const [key, value] of Object.entries(refused)) await checkRefused(plugin, props, key, value);
    }),
  ];
  if (plugin.type === "source") {
    return [
      ...config,
      check("resumes from its stored offset", (made, stopMs) => source.checkResumes(plugin, made, stopMs)),
      check("stops while it waits for records", (made, stopMs) => source.checkStops(plugin, made, stopMs)),
    ];
  }
  return [
    ...config,
    check("opens, commits what is delivered, closes, and goes on", (made, stopMs) =>
      sink.checkGoesOn(plugin, made, stopMs),
    ),
    check("survives a crash between put and preCommit", (made, stopMs) =>
      sink.checkSurvivesCrash(plugin, made, stopMs),
    ),
    check("stops, with and without records it has not committed", (made, stopMs) =>
      sink.checkStops(plugin, made, stopMs),
    ),
  ];
}
