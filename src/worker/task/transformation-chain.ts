import {
  ConfigError,
  DataError,
  invalidValue,
  type Logger,
  type Predicate,
  type Props,
  type SinkRecord,
  type SourceRecord,
  type Transformation,
} from "../../api/index.js";
import type { Plugins } from "../worker.js";
import { configureUnder } from "./full-key.js";
import { withPrefix } from "./task-client-properties.js";

/** One configured transformation. */
export interface ChainStep {
  readonly transformation: Transformation;
  /** The full name of its class. */
  readonly className: string;
  /** Undefined: it changes every record. */
  readonly predicate: Predicate | undefined;
  /** It changes the records that the predicate does not match. */
  readonly negate: boolean;
}

/**
 * A connector's transformations, in order (KIP-66), each with its predicate (KIP-585). Used by one task, for one record
 * at a time. A task without transformations has no chain.
 */
export class TransformationChain {
  readonly #steps: readonly ChainStep[];
  /** The step that `apply` or `resume` is at or has thrown in, and the record as it was before that step. */
  #at = 0;
  #current: SourceRecord | SinkRecord | null = null;

  /** @param steps at least one. */
  constructor(steps: readonly ChainStep[]) {
    this.#steps = steps;
  }

  /** The class of the transformation that has just thrown; its predicate's errors count as its own. */
  get classAtWork(): string {
    return this.#steps[this.#at]!.className;
  }

  /** The record as the whole chain leaves it; null if a transformation drops it. @throws a transformation's error */
  apply<R extends SourceRecord | SinkRecord>(record: R): R | null {
    this.#at = 0;
    this.#current = record;
    return this.resume();
  }

  /**
   * Continues after `apply` or `resume` threw, with the transformation that threw: those before it have changed the
   * record once, and may count records. @throws a transformation's error
   */
  resume<R extends SourceRecord | SinkRecord>(): R | null {
    const steps = this.#steps;
    for (; this.#at < steps.length && this.#current !== null; this.#at++) {
      const { transformation, className, predicate, negate } = steps[this.#at]!;
      if (predicate && predicate.test(this.#current) === negate) continue;
      const changed = transformation.apply(this.#current);
      if (changed === undefined) throw noRecord(className);
      this.#current = changed;
    }
    const result = this.#current as R | null;
    this.#current = null;
    return result;
  }

  /** Closes all transformations and predicates, those too that follow one whose `close` throws. @throws the first error */
  close(): void {
    closeAll(this.#steps);
  }
}

/**
 * The chain of a connector's `transforms`; undefined without any. Each transformation has a predicate object of its own.
 *
 * @param loggerOf the logger of a transformation, by its class.
 * @param near the location of the connector's package, whose own transformations are preferred.
 * @throws NotFoundError for an unknown class; the errors of `configure`.
 */
export function chooseTransformations(
  plugins: Plugins,
  connector: Props,
  loggerOf: (className: string) => Logger,
  near?: string,
): TransformationChain | undefined {
  const steps: ChainStep[] = [];
  try {
    for (const alias of aliasesOf(connector["transforms"]))
      steps.push(newStep(plugins, connector, alias, loggerOf, near));
  } catch (error) {
    closeAll(steps);
    throw error;
  }
  return steps.length === 0 ? undefined : new TransformationChain(steps);
}

/** The aliases in `transforms` or `predicates`, in order. */
function aliasesOf(list: string | null | undefined): string[] {
  const names = (list ?? "").split(",").map((name) => name.trim());
  return [...new Set(names)].filter((name) => name !== "");
}

/** The error in a transformation's `predicate`: it must be one of the connector's `predicates`. */
function predicateFault(connector: Props, alias: string): string | undefined {
  const key = `transforms.${alias}.predicate`;
  const predicate = connector[key]?.trim();
  if (predicate === undefined || aliasesOf(connector["predicates"]).includes(predicate)) return undefined;
  return invalidValue(key, predicate, "it is not one of the aliases in 'predicates'");
}

function newStep(
  plugins: Plugins,
  connector: Props,
  alias: string,
  loggerOf: (className: string) => Logger,
  near: string | undefined,
): ChainStep {
  const prefix = `transforms.${alias}.`;
  const { predicate: predicateAlias, negate, ...props } = withPrefix(connector, prefix);
  const plugin = plugins.find("transformation", props["type"] ?? "", { version: props["plugin.version"], near });
  const transformation = plugin.transformation();
  const context = { logger: loggerOf(plugin.className) };
  configureUnder(prefix, () => transformation.configure(props, context));
  let predicate: Predicate | undefined;
  if (predicateAlias !== undefined) {
    const fault = predicateFault(connector, alias);
    if (fault !== undefined) throw new ConfigError(`transforms.${alias}.predicate`, fault);
    const ownPrefix = `predicates.${predicateAlias.trim()}.`;
    const own = withPrefix(connector, ownPrefix);
    const created = plugins.find("predicate", own["type"] ?? "", { version: own["plugin.version"], near }).predicate();
    configureUnder(ownPrefix, () => created.configure(own));
    predicate = created;
  }
  return {
    transformation,
    className: plugin.className,
    predicate,
    negate: negate?.trim().toLowerCase() === "true",
  };
}

/** A missing return statement must not drop records unseen: that takes null. */
function noRecord(className: string): DataError {
  return new DataError("VALUE_INVALID", `${className} returned undefined: a transformation returns a record, or null`);
}

function closeAll(steps: readonly ChainStep[]): void {
  const errors: unknown[] = [];
  for (const plugin of steps.flatMap(({ transformation, predicate }) => [transformation, predicate])) {
    try {
      plugin?.close?.();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
