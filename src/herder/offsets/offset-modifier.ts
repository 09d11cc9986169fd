import {
  type Clock,
  errorKind,
  type Props,
  RetriableError,
  type SinkOffset,
  type SourceOffset,
  UnsupportedError,
} from "../../api/index.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { SubmittedOffset } from "../../contract/connector-info.js";
import { REQUEST_TIMEOUT_MS } from "../../contract/rest-api.js";
import type { ConnectorFacts, Worker } from "../../worker/worker.js";
import { sinkOffsetsOf } from "./sink-alteration.js";
import { sourceOffsetsOf } from "./source-alteration.js";

/** The offsets of sink connectors' groups, as in src/worker/sink/sink-offsets. */
export interface SinkOffsetGroups {
  alter(
    target: OffsetTarget,
    offsets: readonly SinkOffset[],
    judge: JudgeOffsets,
    signal: AbortSignal,
  ): Promise<boolean>;
  reset(target: OffsetTarget, judge: JudgeOffsets, signal: AbortSignal): Promise<boolean>;
}

type JudgeOffsets = (offsets: readonly SinkOffset[]) => Promise<boolean>;

export interface OffsetModifierParts {
  readonly code: Pick<Worker, "alterOffsets">;
  readonly store: {
    list(connector: string, props: Props): Promise<SourceOffset[]>;
    alter(
      connector: string,
      offsets: readonly SourceOffset[],
      nowMs: number,
      permit: () => void,
      props: Props,
    ): Promise<void>;
    reset(connector: string, nowMs: number, permit: () => void, props: Props): Promise<void>;
  };
  readonly sinks: SinkOffsetGroups;
  readonly clock: Clock;
}

/** The connector whose offsets are modified. */
export interface OffsetTarget {
  readonly name: string;
  readonly plugin: ConnectorFacts;
  /** References resolved. */
  readonly config: Props;
  /**
   * Resolves while the connector is unchanged, and so STOPPED, as of the config topic's present end; `assert` says the
   * same of what has been read. Both throw once it is not.
   */
  confirm(): Promise<void>;
  assert(): void;
}

/**
 * Alters and resets offsets of a connector that is STOPPED and has no tasks (KIP-875): parses, asks the connector's
 * class, then writes. The herder calls it on the leader, one at a time for each connector.
 */
export class OffsetModifier {
  constructor(private readonly parts: OffsetModifierParts) {}

  /**
   * @param submitted the new offsets; undefined resets all of the connector's offsets.
   * @param withinMs the rest of the time after which the client gets its timeout; the request may have waited.
   * @returns the message for the client.
   * @throws DataError for offsets that do not fit; UnsupportedError OFFSETS_FIXED; RetriableError OFFSETS_NOT_ALTERED,
   *   OFFSETS_IN_USE or STORE_UNWRITABLE; the errors of `confirm`; the connector's own.
   */
  async modify(
    target: OffsetTarget,
    submitted: readonly SubmittedOffset[] | undefined,
    withinMs = REQUEST_TIMEOUT_MS,
  ): Promise<string> {
    const over = new AbortController();
    if (withinMs <= 0) over.abort();
    requireTime(target, over.signal);
    const timer = this.parts.clock.schedule(withinMs, () => over.abort());
    try {
      const change = target.plugin.type === "sink" ? this.#modifySink : this.#modifySource;
      return answer(await change.call(this, target, submitted, over.signal), submitted !== undefined);
    } finally {
      timer.cancel();
    }
  }

  #modifySink(
    target: OffsetTarget,
    submitted: readonly SubmittedOffset[] | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { sinks } = this.parts;
    const judge = async (offsets: readonly SinkOffset[]) => {
      const isComplete = await this.#judge(target, offsets);
      requireTime(target, signal);
      // Only a courtesy: the group of a connector that was resumed meanwhile has members, and Kafka refuses the change.
      await target.confirm();
      return isComplete;
    };
    if (!submitted) return sinks.reset(target, judge, signal);
    return sinks.alter(target, sinkOffsetsOf(submitted), judge, signal);
  }

  async #modifySource(
    target: OffsetTarget,
    submitted: readonly SubmittedOffset[] | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { store, clock } = this.parts;
    const offsets = submitted
      ? sourceOffsetsOf(submitted)
      : (await store.list(target.name, target.config)).map(({ partition }) => ({ partition, offset: null }));
    const isComplete = await this.#judge(target, offsets);
    await target.confirm();
    const permit = () => {
      requireTime(target, signal);
      target.assert();
    };
    if (submitted) await store.alter(target.name, offsets, clock.nowMs(), permit, target.config);
    else await store.reset(target.name, clock.nowMs(), permit, target.config);
    return isComplete;
  }

  async #judge(
    { name, plugin, config }: OffsetTarget,
    offsets: readonly SourceOffset[] | readonly SinkOffset[],
  ): Promise<boolean> {
    try {
      return await this.parts.code.alterOffsets(plugin.className, config, offsets);
    } catch (cause) {
      const kind = errorKind(cause);
      if (kind === "unsupported") {
        const message = `Failed to modify offsets for connector ${name} because it doesn't support external modification of offsets`;
        throw new UnsupportedError("OFFSETS_FIXED", message, { cause });
      }
      if (kind) throw cause;
      const message = `Failed to modify offsets for ${plugin.type} connector ${name}: ${errorMessage(cause)}`;
      throw new RetriableError("OFFSETS_NOT_ALTERED", message, { cause });
    }
  }
}

/** Nothing is written after the client has got its timeout. */
function requireTime({ name }: OffsetTarget, signal: AbortSignal): void {
  if (!signal.aborted) return;
  const message = `Timed out while modifying the offsets of connector ${name}`;
  throw new RetriableError("OFFSETS_NOT_ALTERED", message);
}

/** Kafka Connect's answers, on which its clients match. */
function answer(isComplete: boolean, isAlteration: boolean): string {
  const done = isAlteration ? "altered" : "reset";
  if (isComplete) return `The offsets for this connector have been ${done} successfully`;
  return `The Connect framework-managed offsets for this connector have been ${done} successfully. However, if this connector manages offsets externally, they will need to be manually ${done} in the system that the connector uses.`;
}
