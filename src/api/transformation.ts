import type { ConfigDef } from "./config-def.js";
import type { Props } from "./connector.js";
import type { Logger } from "./logger.js";
import type { SinkRecord, SourceRecord } from "./records.js";

/** A record as transformations see it. */
export type ConnectRecord = SourceRecord | SinkRecord;

/** A transformation's environment, beside its keys. */
export interface TransformationContext {
  /** Named after the transformation's class. Never log a record's key or value. */
  readonly logger: Logger;
}

/**
 * Changes records one at a time (KIP-66), between a source connector and its converters, or between a sink's converters
 * and its connector. The task's loop calls it synchronously for every record, on one thread. Converters plan once per
 * Schema object, so a transformation that changes a schema keeps the result for each schema that it has met, and
 * returns the same object again.
 */
export interface Transformation {
  readonly config: ConfigDef;
  /**
   * Called once, before anything else. `props` are the transformation's keys, without prefix, `type` and
   * `plugin.version` included, `predicate` and `negate` not.
   * @throws ConfigError
   */
  configure(props: Props, context: TransformationContext): void;
  /**
   * Returns the record itself, a changed copy made by its `with`, or null to drop it. Never modifies its argument: after a
   * RetriableError it is called again with the same record.
   * @throws DataError for a record that it cannot transform (errors.tolerance decides); RetriableError to be called
   * again until errors.retry.timeout.
   */
  apply(record: ConnectRecord): ConnectRecord | null;
  close?(): void;
}

/** Decides which records a transformation changes (KIP-585). */
export interface Predicate {
  readonly config: ConfigDef;
  /** Called once, before anything else. `props` are the predicate's keys, without prefix. @throws ConfigError */
  configure(props: Props): void;
  /** Called for every record, on one thread. Errors count as errors of the transformation. */
  test(record: ConnectRecord): boolean;
  close?(): void;
}

export interface TransformationPlugin {
  /** The value of `transforms.<alias>.type`. */
  readonly className: string;
  readonly version: string;
  transformation(): Transformation;
}

export interface PredicatePlugin {
  /** The value of `predicates.<alias>.type`. */
  readonly className: string;
  readonly version: string;
  predicate(): Predicate;
}
