import type { Random } from "../../../src/api/index.js";
import type { MillraceProcess } from "../millrace-process.js";
import type { TcpProxy } from "../tcp-proxy.js";

/** The target of a blow: a worker's process, and the only network between it and the broker. */
interface Victim {
  readonly process: MillraceProcess;
  readonly network: TcpProxy;
}

/** A way to trouble a worker. */
export interface Blow {
  /** The group drops the worker: others must run its work meanwhile. */
  readonly isLoss: boolean;
  /** The process has ended and must be started again. */
  readonly ends: boolean;
  /** May return a promise. */
  begin(victim: Victim, random: Random): unknown;
  /** For one whose process has not ended. */
  end?(victim: Victim): void;
}

const pass = ({ network }: Victim) => network.setMode({ kind: "pass" });

/** Every kind of blow, by name. */
export const BLOWS: Readonly<Record<string, Blow>> = {
  kill: { isLoss: true, ends: true, begin: ({ process }) => process.kill9() },
  terminate: { isLoss: true, ends: true, begin: ({ process }) => process.stop() },
  // SIGSTOP beyond the session's end.
  freeze: {
    isLoss: true,
    ends: false,
    begin: (victim) => process.kill(victim.process.pid, "SIGSTOP"),
    end: (victim) => process.kill(victim.process.pid, "SIGCONT"),
  },
  // The network refuses: every connection is reset, new ones, too.
  cut: { isLoss: true, ends: false, begin: ({ network }) => network.refuse(), end: ({ network }) => network.accept() },
  // The network is dead, and the connections of that time stay dead.
  "black hole": {
    isLoss: true,
    ends: false,
    begin: ({ network }) => network.setMode({ kind: "blackhole" }),
    end: pass,
  },
  // The network stands still; what was sent meanwhile arrives late.
  hold: { isLoss: true, ends: false, begin: ({ network }) => network.setMode({ kind: "hold" }), end: pass },
  // Every connection is reset once.
  reset: { isLoss: false, ends: false, begin: ({ network }) => network.reset() },
  delay: {
    isLoss: false,
    ends: false,
    begin: ({ network }, random) => network.setMode({ kind: "latency", delayMs: 50 + random.integer(700) }),
    end: pass,
  },
};
