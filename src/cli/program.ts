import { Command, CommanderError, InvalidArgumentError } from "commander";
import { EXIT } from "./exit-code.js";

/** The commands of the command line. Each resolves with its exit code at the end. */
export interface Commands {
  up(options: UpOptions): Promise<number>;
  worker(file: string): Promise<number>;
  registry(file: string): Promise<number>;
  standalone(file: string, connectorFiles: readonly string[]): Promise<number>;
  broker(options: BrokerOptions): Promise<number>;
  export(options: ExportCommandOptions): Promise<number>;
  demo(options: { readonly keep: boolean }): Promise<number>;
}

export interface UpOptions {
  readonly data: string;
  /** undefined: from the broker's properties, or the default. */
  readonly kafka?: string;
  /** undefined: from the properties, or the default. */
  readonly rest?: string;
  readonly config?: string;
  /** Where the schema registry listens; undefined: there is none. */
  readonly registry?: string;
  readonly registryConfig?: string;
  readonly brokerConfig?: string;
  /** Users of SCRAM to add to the broker. */
  readonly addScram?: readonly string[];
  /** File with the password of those that are named without one; `-`: the standard input. */
  readonly passwordFile?: string;
}

export interface BrokerOptions {
  readonly data: string;
  /** undefined: from the properties, or the default. */
  readonly listen?: string;
  readonly config?: string;
  /** Users of SCRAM to add. */
  readonly addScram?: readonly string[];
  /** File with the password of those that are named without one; `-`: the standard input. */
  readonly passwordFile?: string;
}

export interface ExportCommandOptions {
  readonly from: string;
  readonly to: string;
  readonly fromConfig?: string;
  readonly toConfig?: string;
  /** undefined: all. */
  readonly topics?: readonly string[];
  /** undefined: the target's default. */
  readonly replicationFactor?: number;
  readonly keepOffsets: boolean;
}

const DATA = "./millrace-data";
const ADD_SCRAM =
  "a user of SCRAM to add to the broker, if it does not exist, with its password in --password-file; or SCRAM-SHA-256=[name=USER,password=PASSWORD]; may be repeated";
const PASSWORD_FILE = "the password of users that --add-scram names without one; - reads the standard input";
const KAFKA = "(default: 127.0.0.1:9092)";

/**
 * Parses the command line and runs the command.
 *
 * @param args without the program's own name.
 * @returns the exit code; 1 for a wrong command line, after a one-line message.
 */
export async function runProgram(args: readonly string[], version: string, commands: Commands): Promise<number> {
  let code: number = EXIT.ok;
  const done = (run: Promise<number>) =>
    run.then((result) => {
      code = result;
    });
  const program = new Command("millrace")
    .description("Kafka Connect without the JVM, on any Kafka or on the broker it bundles.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) =>
        write(
          `millrace: ${text
            .trim()
            .replace(/^error: /, "")
            .replace(/\s*\n\s*/g, " ")}\n`,
        ),
    });
  program
    .command("up")
    .description("run the bundled broker and a worker in one process")
    .option("--data <DIR>", "folder of all data", DATA)
    .option("--kafka <HOST:PORT>", `where the broker listens; port 0 takes any free one ${KAFKA}`, address)
    .option("--rest <HOST:PORT>", "where REST listens; port 0 takes any free one (default: 127.0.0.1:8083)", address)
    .option(
      "--registry <HOST:PORT>",
      "run a schema registry, too, and where it listens, such as 127.0.0.1:8081",
      address,
    )
    .option("--config <FILE.properties>", "worker properties over the defaults")
    .option("--registry-config <FILE.properties>", "schema registry's properties over the defaults")
    .option("--broker-config <FILE.properties>", "Kafka's broker properties over the defaults")
    .option("--add-scram <USER>", ADD_SCRAM, (user: string, users: string[] = []) => [...users, user])
    .option("--password-file <FILE>", PASSWORD_FILE)
    .action((options: UpOptions) => {
      if (options.registryConfig !== undefined && options.registry === undefined)
        program.error("option '--registry-config <FILE.properties>' is for a registry: add --registry HOST:PORT");
      return done(commands.up(options));
    });
  program
    .command("worker")
    .description("run one distributed worker against any Kafka")
    .argument("<FILE.properties>", "Kafka Connect's own worker properties")
    .action((file: string) => done(commands.worker(file)));
  program
    .command("registry")
    .description("run one schema registry against any Kafka")
    .argument("<FILE.properties>", "Confluent Schema Registry's own properties")
    .action((file: string) => done(commands.registry(file)));
  program
    .command("standalone")
    .description("run one worker without a group, with its offsets in a file")
    .argument("<FILE.properties>", "Kafka Connect's own standalone worker properties")
    .argument("[CONNECTOR_FILES...]", "connectors to create, as JSON or properties")
    .action((file: string, connectorFiles: string[]) => done(commands.standalone(file, connectorFiles)));
  const broker = program
    .command("broker")
    .description("run the bundled broker alone")
    .option("--data <DIR>", "folder of all data", DATA)
    .option("--listen <HOST:PORT>", `where it listens; port 0 takes any free one ${KAFKA}`, address)
    .option("--config <FILE.properties>", "Kafka's broker properties over the defaults")
    .option("--add-scram <USER>", ADD_SCRAM, (user: string, users: string[] = []) => [...users, user])
    .option("--password-file <FILE>", PASSWORD_FILE)
    .action((options: BrokerOptions) => done(commands.broker(options)));
  broker
    .command("export")
    .description("copy topics, offsets of groups and ACLs of a running broker to another Kafka")
    .requiredOption("--from <HOST:PORT>", "the broker to copy from", remote)
    .requiredOption("--to <HOST:PORT>", "the Kafka to copy to", remote)
    .option("--from-config <FILE.properties>", "Kafka's client properties for the source, such as its security")
    .option("--to-config <FILE.properties>", "Kafka's client properties for the target")
    .option("--topics <NAMES>", "only these topics, separated by commas (default: all)", names)
    .option("--replication-factor <N>", "of the topics that it creates (default: the target's own)", factor)
    .option("--no-keep-offsets", "let all partitions begin at offset 0, which is faster where many records are deleted")
    .action((options: ExportCommandOptions) => done(commands.export(options)));
  program
    .command("demo")
    .description("run Postgres, object store, broker and worker, and the main job through them")
    .option("--keep", "stay up afterwards, to play with", false)
    .action((options: { keep: boolean }) => done(commands.demo(options)));
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are thrown as errors, too.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return code;
}

/** HOST:PORT to listen on, IPv6 in brackets. */
function address(text: string): string {
  if (portOf(text) !== undefined) return text;
  throw new InvalidArgumentError("Expected HOST:PORT, such as 127.0.0.1:9092; port 0 takes any free one.");
}

/** HOST:PORT to connect to. */
function remote(text: string): string {
  if (portOf(text)) return text;
  throw new InvalidArgumentError("Expected HOST:PORT of a broker, such as 127.0.0.1:9092.");
}

function portOf(text: string): number | undefined {
  const port = /^(?:\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d+)$/.exec(text)?.[1];
  if (port === undefined) return undefined;
  if (Number(port) > 65_535) throw new InvalidArgumentError("The port is above 65535.");
  return Number(port);
}

/** Names, separated by commas. */
function names(text: string): string[] {
  const found = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (found.length > 0) return found;
  throw new InvalidArgumentError("Expected names separated by commas, such as orders,payments.");
}

function factor(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number from 1 on, at most the number of brokers.");
}
