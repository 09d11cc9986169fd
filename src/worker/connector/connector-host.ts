import {
  type Clock,
  type ConfigDef,
  type ConfigKey,
  type ConfigValue,
  type Connector,
  type ConnectorContext,
  type Props,
  type Random,
  type SourceRetention,
  type Support,
  type ValidationContext,
  validateConfig,
} from "../../api/index.js";
import { InvariantError } from "../../base/invariant-error.js";
import type { NamedLogger } from "../../base/logger.js";
import type { ThreadLoad } from "../../base/metrics/thread-load.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import { failureOf } from "../host/failure.js";
import type { PluginRef, Plugins, PluginValidation, TransactionQuestion } from "../worker.js";
import type { ConnectorCall, ConnectorCommand, ConnectorReport, StartCall } from "./connector-host-messages.js";
import { embeddedKeys } from "./embedded-keys.js";

export interface ConnectorHostParts {
  readonly plugins: Plugins;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: NamedLogger;
  readonly send: (report: ConnectorReport) => void;
  /** For a host in a thread of its own. */
  readonly load?: () => ThreadLoad;
  /** Runs a plugin's code as that run's, so that a crash or a hang of the thread can be attributed to it. */
  readonly within: <T>(run: number, work: () => T) => T;
}

type AlterOffsetsCall = Extract<ConnectorCall, { method: "alterOffsets" }>;

/** A connector of either type; the caller passes the offsets of its type. */
interface OffsetsConnector extends Connector {
  alterOffsets?(props: Props, offsets: AlterOffsetsCall["offsets"], context: ValidationContext): Promise<boolean>;
}

interface Run {
  readonly className: string;
  connector?: Connector;
}

/** Runs connector objects and validation by plugins: takes calls and answers with data. Decides nothing. */
export class ConnectorHost {
  readonly #runs = new Map<number, Run>();

  constructor(private readonly parts: ConnectorHostParts) {}

  receive(command: ConnectorCommand): void {
    switch (command.type) {
      case "ping":
        this.parts.send({ type: "pong", ...(this.parts.load && { load: this.parts.load() }) });
        break;
      case "drop":
        this.#runs.delete(command.run);
        break;
      case "levels":
        break;
      case "call":
        void this.#answer(command.run, command.request, command.call);
        break;
    }
  }

  /** The class of that run, unless the run is over. */
  classOf(run: number): string | undefined {
    return this.#runs.get(run)?.className;
  }

  /** Reports an uncaught error in code of that run. Called by the host's thread. */
  uncaught(run: number, error: unknown): void {
    const className = this.classOf(run);
    if (className === undefined) {
      this.parts.logger.error("Uncaught error in code that a plugin left behind", {}, error);
      return;
    }
    const message = `Uncaught error in ${className}: ${errorMessage(error)}`;
    const failure = failureOf(new Error(message, { cause: error }));
    this.parts.send({ type: "failed", run, failure, uncaught: true });
  }

  async #answer(run: number, request: number, call: ConnectorCall): Promise<void> {
    const { send, within } = this.parts;
    try {
      send({ type: "answer", run, request, value: await within(run, () => this.#carryOut(run, call)) });
    } catch (error) {
      send({ type: "answer", run, request, failure: failureOf(error) });
    }
  }

  async #carryOut(run: number, call: ConnectorCall): Promise<unknown> {
    const { connector, className } = this.#runs.get(run) ?? {};
    switch (call.method) {
      case "start":
        return this.#start(run, call);
      case "taskConfigs":
        if (!connector) throw new InvariantError(`Run ${run} has no connector to ask for task configurations`);
        return textMaps(await connector.taskConfigs(call.maxTasks), className!);
      case "stop":
        return connector?.stop();
      case "config":
        this.#runs.set(run, { className: call.plugin.className });
        return withoutCode(this.#configured(call.plugin).config);
      case "validate":
        this.#runs.set(run, { className: call.plugin.className });
        return this.#validate(call.plugin, call.props);
      case "exactlyOnceSupport":
      case "canDefineTransactionBoundaries":
        this.#runs.set(run, { className: call.className });
        return this.#transactionSupport(call.method, call.className, call.props);
      case "alterOffsets":
        this.#runs.set(run, { className: call.className });
        return this.#alterOffsets(call);
    }
  }

  async #transactionSupport(question: TransactionQuestion, className: string, props: Props): Promise<Support | null> {
    const plugin = this.parts.plugins.find("connector", className, { version: props["connector.plugin.version"] });
    if (plugin.type !== "source") return null;
    const answer = await plugin.connector()[question]?.(props);
    return answer === "SUPPORTED" || answer === "UNSUPPORTED" ? answer : null;
  }

  async #alterOffsets({ className, props, offsets }: AlterOffsetsCall): Promise<boolean> {
    const { clock, random, logger } = this.parts;
    const connector: OffsetsConnector = this.parts.plugins
      .find("connector", className, { version: props["connector.plugin.version"] })
      .connector();
    const context = { clock, random, logger: logger.named(className) };
    // Truthy is not enough: by the answer users see whether there is more to alter.
    return (await connector.alterOffsets?.(props, offsets, context)) === true;
  }

  async #start(number: number, { name, className, props }: StartCall): Promise<void> {
    let run = this.#runs.get(number);
    if (!run?.connector) {
      run = { className };
      this.#runs.set(number, run);
      run.connector = this.parts.plugins
        .find("connector", className, { version: props["connector.plugin.version"] })
        .connector();
    }
    await run.connector!.start(this.#context(number, name, className), props);
  }

  #context(run: number, connectorName: string, className: string): ConnectorContext {
    const { clock, random, logger, send } = this.parts;
    return {
      connectorName,
      clock,
      random,
      logger: logger.named(className, { connector: connectorName }),
      requestTaskReconfiguration: () => send({ type: "reconfigure", run }),
      reportRetention: (retention) => send({ type: "retention", run, retention: retention && figures(retention) }),
      raiseError: (error) => send({ type: "failed", run, failure: failureOf(error), uncaught: false }),
    };
  }

  async #validate(plugin: PluginRef, props: Readonly<Record<string, string | null>>): Promise<PluginValidation> {
    const { clock, random, logger } = this.parts;
    const { config: own, validate } = this.#configured(plugin);
    const config = plugin.prefix === undefined ? own : embeddedKeys(own, plugin.prefix);
    const values = validateConfig(config, props);
    const context = { clock, random, logger: logger.named(plugin.className) };
    const judged = validate ? await validate(props, values, context) : values;
    return { config: withoutCode(config), values: judged.map(valueData) };
  }

  /** @throws NotFoundError CLASS_NOT_FOUND */
  #configured({ type, className, ...choice }: PluginRef): { config: ConfigDef; validate: Connector["validate"] } {
    const { plugins } = this.parts;
    switch (type) {
      case "connector": {
        const connector = plugins.find(type, className, choice).connector();
        return { config: connector.config, validate: connector.validate?.bind(connector) };
      }
      case "converter":
        return { config: plugins.find(type, className, choice).converter().config, validate: undefined };
      case "header_converter":
        return { config: plugins.find(type, className, choice).headerConverter().config, validate: undefined };
      case "transformation":
        return { config: plugins.find(type, className, choice).transformation().config, validate: undefined };
      case "predicate":
        return { config: plugins.find(type, className, choice).predicate().config, validate: undefined };
    }
  }
}

/** The keys as data: checks, recommenders and visibility stay in the host. */
function withoutCode(def: ConfigDef): ConfigDef {
  return Object.fromEntries(
    Object.entries(def).map(([name, key]) => {
      const { check: _check, recommend: _recommend, visible: _visible, ...data } = key;
      return [name, data satisfies ConfigKey];
    }),
  );
}

function valueData({ name, value, recommendedValues, errors, visible }: ConfigValue): ConfigValue {
  return { name, value, recommendedValues: [...recommendedValues], errors: [...errors], visible };
}

/** @throws Error unless it is a list of maps from text to text */
function textMaps(configs: unknown, className: string): Record<string, string>[] {
  const isTextMap = (config: unknown) =>
    typeof config === "object" && config !== null && Object.values(config).every((value) => typeof value === "string");
  if (!Array.isArray(configs) || !configs.every(isTextMap)) {
    throw new Error(`taskConfigs of ${className} returned something other than a list of maps from text to text`);
  }
  return configs.map((config) => ({ ...config }));
}

/** A plugin's figures, which may be anything: what is no number is left out. */
function figures(retention: SourceRetention): SourceRetention | null {
  const { bytes, bytesPerSecond, limitBytes, secondsToLimit } = retention;
  if (!Number.isFinite(bytes)) return null;
  const known = Object.entries({ bytesPerSecond, limitBytes, secondsToLimit }).filter(([, n]) => Number.isFinite(n));
  return { bytes, ...Object.fromEntries(known) };
}
