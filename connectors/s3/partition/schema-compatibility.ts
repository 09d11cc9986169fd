import { DataError, type Schema, type SinkRecord } from "../../../src/api/index.js";
import type { RecordFacts } from "./rotation.js";
import { compareSchemas } from "./schema-difference.js";
import { projected, projectionFault } from "./schema-projection.js";

/** Whether values of different schemas share a file (schema.compatibility). One per topic partition. */
export interface SchemaCompatibility {
  /** What a record's schema means for the open file of its directory. @throws DataError when it cannot be judged. */
  compare(ofFile: Schema | null, ofRecord: Schema | null): RecordFacts["schema"];
  /** The record in the schema of a file for which `compare` was "same". */
  project(record: SinkRecord, ofFile: Schema | null): SinkRecord;
}

/** @param mode of schema.compatibility; as in the original, any text that is not one of the three means NONE. */
export function schemaCompatibility(mode: string): SchemaCompatibility {
  switch (mode) {
    case "BACKWARD":
    case "FULL":
      return new Projection(mode, (ofFile, ofRecord) => ofRecord > ofFile);
    case "FORWARD":
      return new Projection(mode, (ofFile, ofRecord) => ofRecord < ofFile);
    default:
      return { compare: compareSchemas, project: (record) => record };
  }
}

/** Pairs of schemas are few, and converters return one object per schema. */
class Projection implements SchemaCompatibility {
  readonly #known = new WeakMap<Schema, WeakMap<Schema, RecordFacts["schema"]>>();

  /** @param endsFile judges the versions of a file's and a record's schema. */
  constructor(
    private readonly mode: string,
    private readonly endsFile: (ofFile: number, ofRecord: number) => boolean,
  ) {}

  compare(ofFile: Schema | null, ofRecord: Schema | null): RecordFacts["schema"] {
    if (ofFile === ofRecord) return "same";
    if (ofFile === null || ofRecord === null) return "null-flip";
    let ofThisFile = this.#known.get(ofFile);
    if (!ofThisFile) {
      ofThisFile = new WeakMap();
      this.#known.set(ofFile, ofThisFile);
    }
    let verdict = ofThisFile.get(ofRecord);
    if (!verdict) {
      verdict = this.#judge(ofFile, ofRecord);
      ofThisFile.set(ofRecord, verdict);
    }
    return verdict;
  }

  project(record: SinkRecord, ofFile: Schema | null): SinkRecord {
    const { valueSchema, value } = record;
    if (valueSchema === ofFile || valueSchema === null || ofFile === null) return record;
    return record.with({ valueSchema: ofFile, value: projected(valueSchema, value, ofFile) });
  }

  #judge(ofFile: Schema, ofRecord: Schema): RecordFacts["schema"] {
    if (compareSchemas(ofFile, ofRecord) === "same") return "same";
    if (ofFile.version === undefined || ofRecord.version === undefined)
      throw new DataError(
        "S3_RECORD_REFUSED",
        `Schema version required for ${this.mode} compatibility (schema.compatibility): use a value.converter whose schemas have versions, or NONE.`,
      );
    const ends = this.endsFile(ofFile.version, ofRecord.version) || projectionFault(ofRecord, ofFile) !== null;
    return ends ? "changed" : "same";
  }
}
