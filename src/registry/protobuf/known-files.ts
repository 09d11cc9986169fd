interface KnownFile {
  readonly package: string;
  /** With the types inside of types, as `A.B`. */
  readonly messages: readonly string[];
  readonly enums: readonly string[];
}

const words = (text: string) => text.split(" ").filter((word) => word !== "");
const file = (name: string, messages: string, enums = ""): KnownFile => ({
  package: name,
  messages: words(messages),
  enums: words(enums),
});
const google = (messages: string, enums = "") => file("google.protobuf", messages, enums);
const type = (messages: string, enums = "") => file("google.type", messages, enums);

/** Files that need no reference, by their import path, with the types that they define. */
export const KNOWN_FILES: Readonly<Record<string, KnownFile>> = {
  "confluent/meta.proto": file("confluent", "Meta"),
  "confluent/type/decimal.proto": file("confluent.type", "Decimal"),
  "confluent/type/variant.proto": file("confluent.type", "Variant"),
  "google/type/calendar_period.proto": type("", "CalendarPeriod"),
  "google/type/color.proto": type("Color"),
  "google/type/date.proto": type("Date"),
  "google/type/datetime.proto": type("DateTime TimeZone"),
  "google/type/dayofweek.proto": type("", "DayOfWeek"),
  "google/type/decimal.proto": type("Decimal"),
  "google/type/expr.proto": type("Expr"),
  "google/type/fraction.proto": type("Fraction"),
  "google/type/interval.proto": type("Interval"),
  "google/type/latlng.proto": type("LatLng"),
  "google/type/money.proto": type("Money"),
  "google/type/month.proto": type("", "Month"),
  "google/type/phone_number.proto": type("PhoneNumber PhoneNumber.ShortCode"),
  "google/type/postal_address.proto": type("PostalAddress"),
  "google/type/quaternion.proto": type("Quaternion"),
  "google/type/timeofday.proto": type("TimeOfDay"),
  "google/protobuf/any.proto": google("Any"),
  "google/protobuf/api.proto": google("Api Method Mixin"),
  "google/protobuf/descriptor.proto": google(
    "FileDescriptorSet FileDescriptorProto DescriptorProto DescriptorProto.ExtensionRange DescriptorProto.ReservedRange ExtensionRangeOptions FieldDescriptorProto OneofDescriptorProto EnumDescriptorProto EnumDescriptorProto.EnumReservedRange EnumValueDescriptorProto ServiceDescriptorProto MethodDescriptorProto FileOptions MessageOptions FieldOptions OneofOptions EnumOptions EnumValueOptions ServiceOptions MethodOptions UninterpretedOption UninterpretedOption.NamePart SourceCodeInfo SourceCodeInfo.Location GeneratedCodeInfo GeneratedCodeInfo.Annotation FeatureSet FeatureSetDefaults",
    "FieldDescriptorProto.Type FieldDescriptorProto.Label FileOptions.OptimizeMode FieldOptions.CType FieldOptions.JSType MethodOptions.IdempotencyLevel Edition",
  ),
  "google/protobuf/duration.proto": google("Duration"),
  "google/protobuf/empty.proto": google("Empty"),
  "google/protobuf/field_mask.proto": google("FieldMask"),
  "google/protobuf/source_context.proto": google("SourceContext"),
  "google/protobuf/struct.proto": google("Struct Value ListValue", "NullValue"),
  "google/protobuf/timestamp.proto": google("Timestamp"),
  "google/protobuf/type.proto": google("Type Field Enum EnumValue Option", "Field.Kind Field.Cardinality Syntax"),
  "google/protobuf/wrappers.proto": google(
    "DoubleValue FloatValue Int64Value UInt64Value Int32Value UInt32Value BoolValue StringValue BytesValue",
  ),
};
