// CDC of the bundled stack (`millrace up`: worker and broker in one process), compared with Postgres's own limits in
// the same run: draining a backlog with pg_recvlogical on the same backlog, a snapshot with COPY of the same rows.
//   node bench/cdc.mjs [--rows 200000] [--snapshot 500000] [--runs 1] [--tuned yes|no] [--acknowledge disk|cache]
//     [--threads 1,2] a snapshot for each snapshot.max.threads  [--chunks 1024,8192] and, with snapshot.resume.mode=chunks,
//     for each incremental.snapshot.chunk.size; --rows 0 leaves out the drains
// Uses the Postgres of PGHOST/PGPORT/PGUSER, or the embedded one. CPU is that of the whole process with its threads.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { atEnd, load, measured, options, report, temporaryFolder } from "./measurement.mjs";
import { benchPostgres, clientEnvironment, program } from "./postgres.mjs";
import { cpuSeconds, residentMib, startMillrace, workerFile } from "./processes.mjs";
import { rest } from "./rest.mjs";

const { rows, snapshot, runs, tuned, acknowledge, threads, chunks } = options({
  rows: 200_000,
  snapshot: 500_000,
  runs: 1,
  tuned: "no",
  acknowledge: "disk",
  threads: "1",
  chunks: "",
});
const TUNED = {
  "max.batch.size": "20000",
  "max.queue.size": "100000",
  "poll.interval.ms": "100",
  "producer.override.linger.ms": "5",
  "producer.override.batch.size": "262144",
  "producer.override.compression.type": "lz4",
};
const ROW =
  "(random()*1e6)::int, 'sku-' || (random()*1e5)::int, (random()*100)::int, (random()*1000)::numeric(10,2), repeat('n', 90)";
const INSERT = "insert into t (customer, sku, quantity, price, note)";

await measured(async () => {
  const postgres = await benchPostgres();
  const folder = temporaryFolder();
  const brokerConfig = join(folder, "broker.properties");
  const flushMessages = acknowledge === "disk" ? "1" : "9223372036854775807";
  writeFileSync(brokerConfig, `log.flush.interval.messages=${flushMessages}\n`);
  const up = startMillrace(
    [
      "up",
      "--data",
      folder,
      "--kafka",
      "127.0.0.1:0",
      "--rest",
      "127.0.0.1:0",
      "--config",
      workerFile(folder, "127.0.0.1:0"),
      "--broker-config",
      brokerConfig,
    ],
    { MILLRACE_LOG_LEVEL: "warn" },
  );
  const [, bootstrap] = await up.line(/^Kafka broker: (\S+)/);
  const [, url] = await up.line(/^REST interface: (\S+)/);
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  atEnd(() => admin.disconnect());
  const stack = { postgres, up, url: url.replace(/\/$/, ""), admin };
  for (let run = 0; run < runs; run++) {
    if (rows > 0) {
      report(await drain(stack, `single_${run}`, 1));
      report(await drain(stack, `batched_${run}`, 100));
    }
    for (const [at, count] of listOf(threads).entries())
      report(await copy(stack, `snapshot_${run}_${at}`, { "snapshot.max.threads": count }));
    for (const size of listOf(chunks))
      report(
        await copy(stack, `chunks_${run}_${size}`, {
          "snapshot.resume.mode": "chunks",
          "incremental.snapshot.chunk.size": size,
        }),
      );
  }
});

function listOf(text) {
  return String(text)
    .split(",")
    .filter((item) => item !== "");
}

async function freshTable({ query }) {
  await query(`drop table if exists t; create table t (id bigserial primary key, customer int not null, sku varchar(40) not null,
    quantity int not null, price numeric(10,2) not null, note text, created timestamptz not null default now()); create index on t (customer)`);
}

/** A backlog of transactions of `perTransaction` rows, written while the connector is stopped. */
async function drain(stack, name, perTransaction) {
  const { postgres, url, up, admin } = stack;
  await freshTable(postgres);
  await create(stack, name, "no_data");
  await until(async () => (await walsenders(postgres, name)).includes("streaming"));
  await rest(url, "PUT", `/connectors/${name}/stop`);
  await until(async () => (await walsenders(postgres, name)).length === 0);
  await postgres.query(`select pg_create_logical_replication_slot('${name}_limit', 'pgoutput')`);
  await postgres.query("set synchronous_commit = off");
  await postgres.query(`do $$ begin for i in 1..${rows / perTransaction} loop
    ${INSERT} select ${ROW} from generate_series(1, ${perTransaction}); commit; end loop; end $$`);
  await postgres.query("set synchronous_commit = on; checkpoint");
  const cpu = cpuSeconds(up.pid);
  await rest(url, "PUT", `/connectors/${name}/resume`);
  const rate = await watch(admin, topicOf(name), rows);
  const cpuPerMillion = ((cpuSeconds(up.pid) - cpu) / rows) * 1e6;
  const limit = await receive(postgres, name);
  const found = await check(stack, name, rows);
  await remove(stack, name);
  return {
    what: "drain",
    tuned,
    acknowledge,
    rows_per_transaction: perTransaction,
    rows,
    rate: Math.round(rate),
    limit_pg_recvlogical: Math.round(limit),
    ratio: Number((rate / limit).toFixed(3)),
    ...figures(up, cpuPerMillion),
    ...found,
  };
}

async function copy(stack, name, settings) {
  const { postgres, up, admin } = stack;
  await freshTable(postgres);
  await postgres.query(`${INSERT} select ${ROW} from generate_series(1, ${snapshot})`);
  await postgres.query("vacuum analyze t");
  const began = performance.now();
  runQuietly("psql", ["-qX", "-c", "\\copy t to stdout"], postgres);
  const limit = snapshot / ((performance.now() - began) / 1000);
  const cpu = cpuSeconds(up.pid);
  await create(stack, name, "initial", settings);
  const rate = await watch(admin, topicOf(name), snapshot);
  const cpuPerMillion = ((cpuSeconds(up.pid) - cpu) / snapshot) * 1e6;
  const found = await check(stack, name, snapshot);
  await remove(stack, name);
  return {
    what: "snapshot",
    ...settings,
    tuned,
    acknowledge,
    rows: snapshot,
    rate: Math.round(rate),
    limit_copy: Math.round(limit),
    ratio: Number((rate / limit).toFixed(3)),
    ...figures(up, cpuPerMillion),
    ...found,
  };
}

function figures(up, cpuPerMillion) {
  return {
    cpu_s_per_million_worker_and_broker: Number(cpuPerMillion.toFixed(1)),
    peak_rss_mib_worker_and_broker: residentMib(up.pid, "VmHWM"),
    load1: load(),
  };
}

function topicOf(name) {
  return `${name}.public.t`;
}

async function create({ postgres, url }, name, mode, settings = {}) {
  await rest(url, "POST", "/connectors", {
    name,
    config: {
      "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
      "database.hostname": postgres.host,
      "database.port": String(postgres.port),
      "database.user": postgres.user,
      "database.password": postgres.password,
      "database.dbname": postgres.database,
      "plugin.name": "pgoutput",
      "slot.name": name,
      "publication.name": name,
      "publication.autocreate.mode": "filtered",
      "table.include.list": "public.t",
      "topic.prefix": name,
      "snapshot.mode": mode,
      "key.converter": "org.apache.kafka.connect.json.JsonConverter",
      "value.converter": "org.apache.kafka.connect.json.JsonConverter",
      "key.converter.schemas.enable": "false",
      "value.converter.schemas.enable": "false",
      ...(tuned === "yes" && TUNED),
      ...settings,
    },
  });
}

async function remove({ postgres, url }, name) {
  await rest(url, "DELETE", `/connectors/${name}`);
  await until(async () => (await walsenders(postgres, name)).length === 0);
  await postgres.query("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name like $1", [
    `${name}%`,
  ]);
  await postgres.query(`drop publication if exists ${name}`);
}

/** States of the slot's reader. A slot under creation is active, too, and disappears when its creator is stopped. */
async function walsenders({ query }, slot) {
  const found = await query(
    "select state from pg_replication_slots join pg_stat_replication on pid = active_pid where slot_name = $1",
    [slot],
  );
  return found.map(({ state }) => state);
}

/** Rows per second between 10 % and 90 % of the expected rows. */
async function watch(admin, topic, count) {
  const points = [];
  await until(async () => {
    const arrived = await highWatermark(admin, topic);
    points.push([performance.now(), arrived]);
    return arrived >= count;
  });
  const at = (part) => {
    const next = points.findIndex(([, arrived]) => arrived >= part * count);
    const [t1, n1] = points[next];
    const [t0, n0] = points[Math.max(0, next - 1)];
    return n1 === n0 ? t1 : t0 + ((t1 - t0) * (part * count - n0)) / (n1 - n0);
  };
  return (0.8 * count) / Math.max(1e-3, (at(0.9) - at(0.1)) / 1000);
}

async function highWatermark(admin, topic) {
  try {
    const [partition] = await admin.fetchTopicOffsets(topic);
    return Number(partition?.high ?? 0);
  } catch (error) {
    if (error.type !== "UNKNOWN_TOPIC_OR_PARTITION") throw error;
    return 0;
  }
}

/** Counts every topic record against the table: a run with missing or repeated rows is invalid. */
async function check({ postgres, admin }, name, count) {
  const [{ n }] = await postgres.query("select count(*)::int as n from t");
  const arrived = await highWatermark(admin, topicOf(name));
  return { missing: Math.max(0, n - arrived), more_than_rows: Math.max(0, arrived - count) };
}

/** The walsender's own rate on the same backlog. */
async function receive(postgres, name) {
  const [{ lsn }] = await postgres.query("select pg_current_wal_lsn() as lsn");
  const began = performance.now();
  const args = [
    "--slot",
    `${name}_limit`,
    "--start",
    "-f",
    "/dev/null",
    "--endpos",
    lsn,
    "-o",
    "proto_version=1",
    "-o",
    `publication_names=${name}`,
  ];
  runQuietly("pg_recvlogical", ["-d", postgres.database, ...args], postgres);
  const rate = rows / ((performance.now() - began) / 1000);
  await postgres.query(`select pg_drop_replication_slot('${name}_limit')`);
  return rate;
}

function runQuietly(name, args, postgres) {
  const env = { ...process.env, ...clientEnvironment(postgres) };
  const { status, stderr } = spawnSync(program(name), args, {
    env,
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
}

async function until(holds) {
  while (!(await holds())) await new Promise((next) => setTimeout(next, 40));
}
