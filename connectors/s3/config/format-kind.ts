import { type ConfigCheck, invalidValue } from "../../../src/api/index.js";

/** The formats by class name; Confluent's names, and our own for CSV. */
const CLASSES = {
  json: "io.confluent.connect.s3.format.json.JsonFormat",
  bytes: "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
  avro: "io.confluent.connect.s3.format.avro.AvroFormat",
  parquet: "io.confluent.connect.s3.format.parquet.ParquetFormat",
  csv: "io.millrace.connect.s3.format.csv.CsvFormat",
} as const;

export type FormatKind = keyof typeof CLASSES;

/** The format of that class name, if it is one. */
export function formatKind(className: string | null): FormatKind | undefined {
  return (Object.keys(CLASSES) as FormatKind[]).find((kind) => CLASSES[kind] === className);
}

/** Whether s3.compression.type applies to the format: its rows are its bytes. */
export function takesGzip(kind: FormatKind | undefined): boolean {
  return kind === "json" || kind === "bytes" || kind === "csv";
}

export const formatCheck: ConfigCheck = (key, value) =>
  value === null || (typeof value === "string" && formatKind(value))
    ? undefined
    : invalidValue(key, value, `Format is not supported; supported are ${Object.values(CLASSES).join(", ")}`);
