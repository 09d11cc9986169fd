import {
  type Clock,
  ConfigError,
  type ConnectRecord,
  type ConnectValue,
  type Logger,
  type Props,
  parseConfig,
  type Schema,
  Struct,
  type Transformation,
  type TransformationContext,
} from "../../api/index.js";
import { ChangedStruct } from "../record/changed-struct.js";
import { PerSchema } from "../record/per-schema.js";
import { type ZoneRules, zoneRules } from "../time/zone-offset.js";
import { refuse, required } from "./config-rules.js";
import { changeEvent } from "./envelope.js";
import { EVERYTHING, type FieldChoice, TimezoneRules } from "./timezone-rules.js";
import { type ConvertTime, isUnsupportedTime, sourceTimeConversion, timeConversion } from "./zoned-values.js";

const CONFIG = {
  "converted.timezone": {
    type: "string",
    importance: "high",
    width: "medium",
    order: 1,
    displayName: "Converted Timezone",
    check: required,
    doc: "The time zone that times are converted to: an id (`America/Los_Angeles`), or an offset (`+08:00`).",
  },
  "include.list": {
    type: "list",
    default: null,
    importance: "high",
    width: "medium",
    order: 1,
    displayName: "Include List",
    doc: "What to convert: `source:TABLE`, `source:TABLE:FIELD`, `topic:TOPIC`, `topic:TOPIC:FIELD`, or `NAME:FIELD` for a topic or table of that name. A field may begin with `before.`, `after.` or `source.`.",
  },
  "exclude.list": {
    type: "list",
    default: null,
    importance: "high",
    width: "medium",
    order: 1,
    displayName: "Exclude List",
    doc: "What not to convert, in the same form.",
  },
} as const;

/** A field of an event, and how the fields in it are converted. */
interface Part {
  readonly index: number;
  readonly conversions: readonly (readonly [index: number, convert: ConvertTime])[];
}

/** Converts times in change events to a time zone, `io.debezium.transforms.TimezoneConverter`. */
export class TimezoneConverter implements Transformation {
  readonly config = CONFIG;
  #zone!: ZoneRules;
  #rules: TimezoneRules | undefined;
  #logger: Logger | undefined;
  /** By the choice of fields: rules may name topics and tables of one schema. */
  readonly #parts = new PerSchema(() => new Map<FieldChoice, readonly Part[]>());

  /** @param clock decides which offset is today's, for times without a date. */
  constructor(private readonly clock: Clock) {}

  configure(props: Props, context?: TransformationContext): void {
    const values = parseConfig(CONFIG, props);
    this.#logger = context?.logger;
    const id = values["converted.timezone"];
    const zone = zoneRules(id);
    if (!zone)
      refuse("converted.timezone", id, "a time zone's id (America/Los_Angeles) or offset (+08:00) is expected");
    this.#zone = zone;
    const [include, exclude] = [values["include.list"] ?? [], values["exclude.list"] ?? []];
    if (include.length > 0 && exclude.length > 0)
      throw new ConfigError("exclude.list", "include.list and exclude.list are both set: remove one of them");
    if (include.length > 0) this.#rules = new TimezoneRules("include.list", include, true);
    if (exclude.length > 0) this.#rules = new TimezoneRules("exclude.list", exclude, false);
  }

  apply(record: ConnectRecord): ConnectRecord {
    const event = changeEvent(record);
    if (!event) return record;
    const choice = this.#rules ? this.#rules.choiceOf(record.topic, tableOf(event)) : EVERYTHING;
    const known = this.#parts.of(event.schema);
    const parts = known.get(choice) ?? this.#partsOf(event.schema, choice);
    known.set(choice, parts);
    const changes = new Map<number, ConnectValue>();
    for (const { index, conversions } of parts) {
      const struct = event.at(index);
      if (struct instanceof Struct) changes.set(index, converted(struct, conversions));
    }
    return changes.size === 0 ? record : record.with({ value: new ChangedStruct(event, changes) });
  }

  #partsOf(event: Schema, choice: FieldChoice): readonly Part[] {
    return ["before", "after", "source"].flatMap((part): Part[] => {
      const field = event.field(part);
      const names = namesIn(choice, part);
      // Of the source block, fields are converted only if rules name some of it.
      if (field?.schema.type !== "struct" || (part === "source" && names.size === 0)) return [];
      const conversions = field.schema.fields.flatMap(({ name, index, schema }) => {
        if (names.has(name) !== choice.includes) return [];
        if (isUnsupportedTime(schema.name))
          this.#logger?.warn("A date, or a time without a date, is not converted", { field: name, type: schema.name });
        const convert =
          timeConversion(schema.name, this.#zone, this.clock) ??
          (part === "source" && schema.name === undefined ? sourceTimeConversion(name, this.#zone) : undefined);
        return convert ? [[index, convert] as const] : [];
      });
      return conversions.length === 0 ? [] : [{ index: field.index, conversions }];
    });
  }
}

/** The fields of this part of the event that rules name: those without a part are of the row, before and after. */
function namesIn({ names }: FieldChoice, part: string): ReadonlySet<string> {
  const found = [...names].flatMap((name) => {
    const [first = "", ...rest] = name.split(".");
    const hasPart = rest.length > 0 && ["before", "after", "source"].includes(first);
    if (hasPart) return first === part ? [rest.join(".")] : [];
    return part === "source" ? [] : [name];
  });
  return new Set(found);
}

function tableOf(event: Struct): string {
  const source = event.schema.field("source") ? event.get("source") : null;
  const table = source instanceof Struct && source.schema.field("table") ? source.get("table") : null;
  return typeof table === "string" ? table : "";
}

function converted(struct: Struct, conversions: Part["conversions"]): Struct {
  const changed = new Map<number, ConnectValue>();
  for (const [index, convert] of conversions) {
    const value = struct.at(index);
    if (value !== null) changed.set(index, convert(value));
  }
  return new ChangedStruct(struct, changed);
}
