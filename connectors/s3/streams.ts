import { AVRO_DATA_DEFAULTS, type AvroDataSettings, type Props, type SinkTaskContext } from "../../src/api/index.js";
import { type FormatKind, formatKind } from "./config/format-kind.js";
import type { S3SinkValues } from "./config/s3-sink-config.js";
import { ByteArrayFormat } from "./formats/byte-array-format.js";
import { CsvFormat } from "./formats/csv-format.js";
import type { Format } from "./formats/format.js";
import { HeaderFormat } from "./formats/header-format.js";
import { JsonFormat } from "./formats/json-format.js";
import { KeyFormat } from "./formats/key-format.js";
import type { Stream } from "./object/open-files.js";

const JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter";
const STRING_CONVERTER = "org.apache.kafka.connect.storage.StringConverter";
const NO_SCHEMAS = { "schemas.enable": "false", "decimal.format": "NUMERIC" };

/**
 * The objects that a file set consists of: values, and keys and headers where these are stored.
 *
 * @param values without complaints of `judgeSettings`.
 * @param props as given: parsing trims, and a separator may consist of blanks.
 * @throws UnsupportedError when a codec's package is missing.
 */
export async function planStreams(
  values: S3SinkValues,
  props: Props,
  context: Pick<SinkTaskContext, "converter">,
): Promise<Stream[]> {
  const converter: SinkTaskContext["converter"] = (className, settings, isKey) =>
    context.converter(className, settings, isKey);
  const gzipLevel = values["s3.compression.type"] === "gzip" ? values["s3.compression.level"] : undefined;
  const open = async (kind: FormatKind): Promise<Format> => {
    switch (kind) {
      case "json":
        return new JsonFormat(converter, values["json.decimal.format"], gzipLevel);
      case "bytes":
        return new ByteArrayFormat(
          values["format.bytearray.extension"],
          props["format.bytearray.separator"] ?? "\n",
          gzipLevel,
        );
      case "avro": {
        const { AvroFormat } = await import("./formats/avro/avro-format.js");
        return new AvroFormat(avroSettings(values), values["avro.codec"]);
      }
      case "parquet": {
        const { ParquetFormat } = await import("./formats/parquet/parquet-format.js");
        return new ParquetFormat(avroSettings(values), values["parquet.codec"], values["parquet.row.group.bytes"]);
      }
      case "csv": {
        const settings = {
          delimiter: values["format.csv.delimiter"],
          hasHeader: values["format.csv.header"],
          nullText: values["format.csv.null"],
          gzipLevel,
        };
        return new CsvFormat(settings, converter(JSON_CONVERTER, NO_SCHEMAS, false));
      }
    }
  };
  const streams: Stream[] = [{ format: await open(kindOf(values["format.class"])), infix: "" }];
  if (values["store.kafka.keys"]) {
    const kind = kindOf(values["keys.format.class"]);
    streams.push({ format: new KeyFormat(await open(kind), kind === "parquet"), infix: ".keys" });
  }
  if (values["store.kafka.headers"]) {
    const kind = kindOf(values["headers.format.class"]);
    const texts = {
      plain: converter(STRING_CONVERTER, {}, false),
      json: converter(JSON_CONVERTER, NO_SCHEMAS, false),
    };
    streams.push({
      format: new HeaderFormat(await open(kind), kind === "json" || kind === "parquet", texts),
      infix: ".headers",
    });
  }
  return streams;
}

function avroSettings(values: S3SinkValues): AvroDataSettings {
  return {
    ...AVRO_DATA_DEFAULTS,
    enhancedSupport: values["enhanced.avro.schema.support"],
    metaData: values["connect.meta.data"],
    optionalMapKeys: values["allow.optional.map.keys"],
  };
}

function kindOf(className: string): FormatKind {
  return formatKind(className)!;
}
