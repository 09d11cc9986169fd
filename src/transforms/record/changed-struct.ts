import { type ConnectValue, type Schema, Struct } from "../../api/index.js";

/** A struct with other values in some of its fields. The others are read through to it. */
export class ChangedStruct extends Struct {
  /** @param changed by position. */
  constructor(
    private readonly source: Struct,
    private readonly changed: ReadonlyMap<number, ConnectValue>,
  ) {
    super();
  }

  get schema(): Schema {
    return this.source.schema;
  }

  at(index: number): ConnectValue {
    const value = this.changed.get(index);
    return value === undefined ? this.source.at(index) : value;
  }
}
