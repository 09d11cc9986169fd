/** The worker's own loggers, by the packages and classes of Kafka Connect whose work they describe. */
export const LOGGERS = {
  process: "org.apache.kafka.connect.cli",
  providers: "org.apache.kafka.common.config.provider",
  clients: "org.apache.kafka.clients",
  admin: "org.apache.kafka.clients.admin",
  consumer: "org.apache.kafka.clients.consumer",
  producer: "org.apache.kafka.clients.producer",
  herder: "org.apache.kafka.connect.runtime.distributed",
  rest: "org.apache.kafka.connect.runtime.rest",
  registry: "io.confluent.kafka.schemaregistry",
  stores: "org.apache.kafka.connect.storage",
  worker: "org.apache.kafka.connect.runtime.Worker",
  plugins: "org.apache.kafka.connect.runtime.isolation",
  connector: "org.apache.kafka.connect.runtime.WorkerConnector",
  sourceTask: "org.apache.kafka.connect.runtime.WorkerSourceTask",
  sinkTask: "org.apache.kafka.connect.runtime.WorkerSinkTask",
  loggers: "org.apache.kafka.connect.runtime.Loggers",
  broker: "kafka.server",
} as const;

/** Names above these that have no lines of their own, and are listed because users set them. */
export const PACKAGES = ["org.apache.kafka", "org.apache.kafka.connect", "org.apache.kafka.connect.runtime"] as const;
