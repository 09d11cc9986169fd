import { type Clock, ConflictError, DataError, type Props, type SourceMap } from "../api/index.js";
import { Turns } from "../base/turns.js";
import type { OffsetEntry, SubmittedOffset } from "../contract/connector-info.js";
import { REQUEST_TIMEOUT_MS } from "../contract/rest-api.js";
import type { ConnectorEntry } from "../stores/config-fold.js";
import type { ConfigProvider } from "./config/config-providers.js";
import { resolveReferences, withoutNulls } from "./config/config-references.js";
import { findConnector } from "./config/config-validator.js";
import { Redaction } from "./config/redaction.js";
import { entryOf } from "./connector-views.js";
import type { HerderLoop } from "./herder-loop.js";
import { OffsetModifier, type SinkOffsetGroups } from "./offsets/offset-modifier.js";

export interface ConnectorOffsetsParts {
  readonly loop: HerderLoop;
  readonly clock: Clock;
  readonly providers: ReadonlyMap<string, ConfigProvider>;
  /** Sources deliver exactly once: their producers are fenced before their offsets are modified. */
  readonly fencesSources: boolean;
  /** The offsets of sink connectors' groups, by their configs with references resolved. */
  readonly sinkOffsets: SinkOffsetGroups & {
    list(config: Props, connector: string): Promise<readonly OffsetEntry[]>;
  };
}

/** The offsets of connectors, as REST reads and modifies them: a source's in its topic, a sink's in its group. */
export class ConnectorOffsets {
  /** Requests that modify offsets, one at a time for each connector. */
  readonly #turns = new Turns();

  constructor(private readonly parts: ConnectorOffsetsParts) {}

  /**
   * The offsets that are stored or committed, on any worker.
   *
   * @throws NotFoundError; ConfigError for an unknown class; the errors of Kafka, without the values of references.
   */
  async list(name: string): Promise<readonly OffsetEntry[]> {
    const { loop, sinkOffsets } = this.parts;
    const redaction = new Redaction();
    const config = this.#resolved(name, entryOf(loop.configs(), name), redaction);
    try {
      const { type } = findConnector(loop.worker.plugins, config["connector.class"]);
      if (type === "sink") return await sinkOffsets.list(config, name);
      const stored = await loop.stores.offset.list(name, config);
      return stored.filter((entry): entry is { partition: SourceMap; offset: SourceMap } => entry.offset !== null);
    } catch (error) {
      throw redaction.error(error);
    }
  }

  /**
   * Alters the offsets of a STOPPED connector, on the leader.
   *
   * @param offsets undefined: all of the connector's are reset.
   * @returns the message for the client.
   * @throws MisdirectedError when another worker leads; NotFoundError; DataError CONNECTOR_NOT_STOPPED; ConflictError
   *   CONFIG_CHANGED when the connector changes meanwhile; the errors of `OffsetModifier.modify`.
   */
  modify(name: string, offsets: readonly SubmittedOffset[] | undefined): Promise<string> {
    const { loop, clock, fencesSources, sinkOffsets: sinks } = this.parts;
    const deadlineMs = clock.monotonicMs() + REQUEST_TIMEOUT_MS;
    // A reset deletes the partitions that it has listed: an alteration meanwhile must not leave half of itself.
    return this.#turns.take(name, async () => {
      const entry = await this.#stoppedEntry(name);
      const redaction = new Redaction();
      const config = this.#resolved(name, entry, redaction);
      const { stores, worker } = loop;
      const assert = () => {
        if (loop.configs().connectors.get(name) === entry) return;
        const message = `Connector ${name} has changed while its offsets were modified: it may have been resumed. Stop it and repeat the request`;
        throw new ConflictError("CONFIG_CHANGED", message);
      };
      try {
        const plugin = findConnector(worker.plugins, config["connector.class"]);
        const confirm = async () => {
          if (fencesSources && plugin.type === "source") await loop.leaderRequests.fenceAsLeader(name);
          await stores.config.readToEnd();
          assert();
        };
        const modifier = new OffsetModifier({ code: worker, store: stores.offset, sinks, clock });
        const target = { name, plugin, config, confirm, assert };
        return await loop.stages.during(`modifying offsets for connector ${name}`, () =>
          modifier.modify(target, offsets, deadlineMs - clock.monotonicMs()),
        );
      } catch (error) {
        throw redaction.error(error);
      }
    });
  }

  /**
   * The entry of a connector that no worker runs: it is STOPPED without tasks, and the group has rebalanced since.
   *
   * @throws MisdirectedError when another worker leads; NotFoundError; DataError CONNECTOR_NOT_STOPPED.
   */
  async #stoppedEntry(name: string): Promise<ConnectorEntry> {
    const { loop } = this.parts;
    const stage = `reading the config of connector ${name}`;
    for (;;) {
      await loop.membership.covered();
      const stopped = await loop.asLeader(stage, `Modifying the offsets of connector ${name}`, async () => {
        await loop.stores.config.readToEnd();
        const entry = entryOf(loop.configs(), name);
        if (entry.targetState !== "STOPPED" || entry.taskCount > 0) {
          const message = `Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/${name}/stop' endpoint`;
          throw new DataError("CONNECTOR_NOT_STOPPED", message);
        }
        return loop.membership.isCovered ? entry : undefined;
      });
      if (stopped) return stopped;
    }
  }

  /** The connector's config with references replaced; `redaction` notes their values. */
  #resolved(name: string, { config }: ConnectorEntry, redaction: Redaction): Record<string, string> {
    const { redactions } = this.parts.loop;
    const noted = (reference: string, value: string) => {
      redaction.note(reference, value);
      redactions.note(name, reference, value);
    };
    return withoutNulls(resolveReferences(config, this.parts.providers, noted));
  }
}
