import { defineConfig } from "vitest/config";

// Three rings (docs/architecture.md): unit touches no socket and no file; cluster runs real workers on the bundled
// broker with real Postgres and the embedded object store; external runs against the originals and says so when it
// is skipped. `long` holds what is too slow for `npm test`, `histories` its simulations, which need no machine of their
// own and run in parallel; `kill` is the long form of its kill runs.
export default defineConfig({
  test: {
    pool: "forks",
    projects: [
      { test: { name: "house", include: ["test/house/**/*.test.ts"] } },
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "cluster",
          include: ["test/cluster/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Its tests mostly wait for sessions, timeouts and programs. More at once would starve those on two cores.
          maxWorkers: 2,
          // A ring with workers of its own number needs a place of its own in the order, or Vitest refuses to start.
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "long",
          include: ["test/long/**/*.test.ts"],
          exclude: ["test/long/histories/**"],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "histories",
          include: ["test/long/histories/**/*.test.ts"],
          testTimeout: 600_000,
          // By default, a machine of two cores runs one file at a time.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "kill",
          include: ["test/kill/**/*.test.ts"],
          testTimeout: 1_500_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "external",
          include: ["test/external/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
