import type { Converter, HeaderConverter } from "../api/index.js";
import { AvroConverter } from "./avro/avro-converter.js";
import { ByteArrayConverter } from "./byte-array-converter.js";
import { JsonConverter } from "./json/json-converter.js";
import { PrimitiveConverter } from "./primitive-converter.js";
import { SimpleHeaderConverter } from "./simple-header-converter.js";
import { StringConverter } from "./string-converter.js";

/** Creates a converter, which must be configured before use. */
type Make<T> = () => T;

const BOTH: readonly (readonly [string, Make<Converter & HeaderConverter>])[] = [
  ["org.apache.kafka.connect.json.JsonConverter", () => new JsonConverter()],
  ["org.apache.kafka.connect.storage.StringConverter", () => new StringConverter()],
  ["org.apache.kafka.connect.converters.ByteArrayConverter", () => new ByteArrayConverter()],
  ["org.apache.kafka.connect.converters.BooleanConverter", () => new PrimitiveConverter("boolean")],
  ["org.apache.kafka.connect.converters.ShortConverter", () => new PrimitiveConverter("short")],
  ["org.apache.kafka.connect.converters.IntegerConverter", () => new PrimitiveConverter("integer")],
  ["org.apache.kafka.connect.converters.LongConverter", () => new PrimitiveConverter("long")],
  ["org.apache.kafka.connect.converters.FloatConverter", () => new PrimitiveConverter("float")],
  ["org.apache.kafka.connect.converters.DoubleConverter", () => new PrimitiveConverter("double")],
];

/** The built-in converters of keys and values, by class name. Callers must `configure` them. */
export const converters: ReadonlyMap<string, Make<Converter>> = new Map<string, Make<Converter>>([
  ...BOTH,
  ["io.confluent.connect.avro.AvroConverter", () => new AvroConverter()],
]);

/** The built-in header converters, by class name. */
export const headerConverters: ReadonlyMap<string, Make<HeaderConverter>> = new Map<string, Make<HeaderConverter>>([
  ...BOTH,
  ["org.apache.kafka.connect.storage.SimpleHeaderConverter", () => new SimpleHeaderConverter()],
]);
