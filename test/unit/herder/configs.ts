import { ConfigFold, type ConfigSnapshot } from "../../../src/stores/config-fold.js";
import { configRecord } from "../../../src/stores/config-records.js";
import type { StoreRecord } from "../../../src/stores/log-transport.js";

/** A snapshot after these records, which have the offsets 0, 1, 2… */
export function configsOf(...records: readonly StoreRecord[]): ConfigSnapshot {
  const fold = new ConfigFold();
  for (const [offset, record] of records.entries()) fold.apply({ ...record, offset });
  return fold.snapshot();
}

/** The records of a connector with this many tasks. */
export function connectorRecords(name: string, tasks: number): StoreRecord[] {
  return [
    configRecord.connector(name, { name, "connector.class": "X" }),
    ...Array.from({ length: tasks }, (_, task) => configRecord.task(name, task, { task: String(task) })),
    configRecord.commit(name, tasks),
  ];
}
