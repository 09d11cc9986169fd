import type { Clock, Logger, SourceRetention, Timer } from "../../../src/api/index.js";
import { judgeUsage, type SlotAlarm, type SlotUsage, type UsageSample } from "./slot-usage.js";

export interface SlotGuardParts {
  readonly slotName: string;
  /** slot.guard.interval.ms */
  readonly intervalMs: number;
  /** slot.guard.limit.bytes; 0: none. */
  readonly limitBytes: number;
  /** undefined: there is no such slot (yet). May reject. */
  readonly read: () => Promise<SlotUsage | undefined>;
  /** Called with what is known after each look. */
  readonly report: (retention: SourceRetention | null) => void;
  /** Called with an alarm that is new, or has lasted for ten minutes. */
  readonly raise: (raised: RaisedAlarm) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface RaisedAlarm {
  readonly alarm: NonNullable<SlotAlarm>;
  readonly retention: SourceRetention;
  /** Somebody reads the slot. */
  readonly isRead: boolean;
}

/** Growth is measured over this many looks. */
const SAMPLES = 10;
/** The same alarm is raised again no sooner. */
const AGAIN_MS = 600_000;

/**
 * Looks at a replication slot again and again: WAL that nobody reads fills the server's disk. Runs beside the task, so
 * that a FAILED one's slot is watched, too. What it cannot see has no other effect than a warning.
 */
export class SlotGuard {
  readonly #samples: UsageSample[] = [];
  #timer: Timer | undefined;
  #isStopped = false;
  #hasFailed = false;
  #alarm: { readonly kind: SlotAlarm; readonly atMs: number } = { kind: null, atMs: 0 };

  constructor(private readonly parts: SlotGuardParts) {}

  /** Looks after each interval, until `stop`. */
  start(): void {
    const { clock, intervalMs } = this.parts;
    if (!this.#isStopped) this.#timer = clock.schedule(intervalMs, () => void this.#look());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { slotName, read, report, logger } = this.parts;
    try {
      const usage = await read();
      if (this.#isStopped) return;
      if (usage) this.#see(usage);
      else {
        this.#samples.length = 0;
        report(null);
      }
      this.#hasFailed = false;
    } catch (error) {
      if (this.#isStopped) return;
      report(null);
      if (!this.#hasFailed)
        logger.warn("The replication slot cannot be watched, which is tried again", { slot: slotName }, error);
      this.#hasFailed = true;
    }
    this.start();
  }

  #see(usage: SlotUsage): void {
    const { limitBytes, report, raise, clock } = this.parts;
    const nowMs = clock.monotonicMs();
    this.#samples.push({ usage, atMs: nowMs });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    const { retention, alarm } = judgeUsage(this.#samples, limitBytes);
    report(retention);
    const isNew = alarm !== this.#alarm.kind || nowMs - this.#alarm.atMs >= AGAIN_MS;
    if (!isNew) return;
    this.#alarm = { kind: alarm, atMs: nowMs };
    if (alarm === null) return;
    raise({ alarm, retention, isRead: usage.isActive });
  }
}

/** What is known of an alarm, in whole numbers; what is not known is left out. */
export function alarmFigures({ retention, isRead }: RaisedAlarm): Readonly<Record<string, number | boolean>> {
  const { bytes, bytesPerSecond, limitBytes, secondsToLimit } = retention;
  const known = Object.entries({ bytes, limitBytes, bytesPerSecond, secondsToLimit }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Math.round(value)] as const],
  );
  return { isRead, ...Object.fromEntries(known) };
}
