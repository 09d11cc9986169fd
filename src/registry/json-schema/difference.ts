/** A change that makes data of the original schema unreadable with the update. */
export interface Difference {
  readonly type: string;
  /** Segments below `#`. */
  readonly path: readonly string[];
}

/** Whether a change of this type is tolerated. */
export function isTolerated(type: string, isLenient: boolean): boolean {
  if (NEVER.has(type)) return false;
  return isLenient || !LENIENT_ONLY.has(type);
}

/** Tolerated under the policy LENIENT only. */
const LENIENT_ONLY: ReadonlySet<string> = new Set([
  "ADDITIONAL_PROPERTIES_REMOVED",
  "ADDITIONAL_PROPERTIES_NARROWED",
  "UNEVALUATED_PROPERTIES_REMOVED",
  "UNEVALUATED_PROPERTIES_NARROWED",
  "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
  "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
  "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
  "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
  "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
]);

const ADDED =
  "MAX_LENGTH MAXIMUM EXCLUSIVE_MAXIMUM MAX_PROPERTIES MAX_ITEMS MAX_CONTAINS MIN_LENGTH MINIMUM EXCLUSIVE_MINIMUM MIN_PROPERTIES MIN_ITEMS MIN_CONTAINS PATTERN MULTIPLE_OF UNIQUE_ITEMS REQUIRED_ATTRIBUTE DEPENDENCY_ARRAY DEPENDENCY_SCHEMA".split(
    " ",
  );
const MAXIMA = ["MAX_LENGTH", "MAXIMUM", "EXCLUSIVE_MAXIMUM", "MAX_PROPERTIES", "MAX_ITEMS", "MAX_CONTAINS"];
const MINIMA = ["MIN_LENGTH", "MINIMUM", "EXCLUSIVE_MINIMUM", "MIN_PROPERTIES", "MIN_ITEMS", "MIN_CONTAINS"];

type Describe = (path: string) => string;

const ABSENT: Describe = (path) => `The keyword at path '${path}' in the %s schema is not present in the %s schema`;
const MORE: Describe = (path) => `The value at path '${path}' in the %s schema is more than its value in the %s schema`;
const LESS: Describe = (path) => `The value at path '${path}' in the %s schema is less than its value in the %s schema`;
const OTHER: Describe = (path) => `The value at path '${path}' is different between the %s and %s schema`;
const FEWER_ELEMENTS: Describe = (path) =>
  `An array or combined type at path '${path}' has fewer elements in the %s schema than the %s schema`;
const MORE_ELEMENTS: Describe = (path) =>
  `An array or combined type at path '${path}' has more elements in the %s schema than the %s schema`;
const OTHER_TYPE: Describe = (path) => `A type at path '${path}' is different between the %s schema and the %s schema`;
const TO_OPEN: Describe = (path) =>
  `The %s schema has an open content model and has a property or item at path '${path}' which is missing in the %s schema`;
const TO_UNOPEN: Describe = (path) =>
  `The %s schema has an unopen content model and has a required property at path '${path}' which is missing in the %s schema`;
const FROM_CLOSED: Describe = (path) =>
  `The %s has a closed content model and is missing a property or item present at path '${path}' in the %s schema`;
const REMOVED_UNCOVERED: Describe = (path) =>
  `A property or item is missing in the %s schema but present at path '${path}' in the %s schema and is not covered by its partially open content model`;
const ADDED_UNCOVERED: Describe = (path) =>
  `The %s schema has a property or item at path '${path}' which is missing in the %s schema and is not covered by its partially open content model`;

const all = (types: readonly string[], describe: Describe) => types.map((type) => [type, describe] as const);

/** What is said of each type that is not always tolerated. */
const DESCRIPTIONS: ReadonlyMap<string, Describe> = new Map([
  ...all(
    ADDED.map((type) => `${type}_ADDED`),
    ABSENT,
  ),
  ...all(
    [
      "SCHEMA_ADDED",
      "ADDITIONAL_PROPERTIES_REMOVED",
      "UNEVALUATED_PROPERTIES_REMOVED",
      "ADDITIONAL_ITEMS_REMOVED",
      "UNEVALUATED_ITEMS_REMOVED",
    ],
    ABSENT,
  ),
  ...all([...MINIMA.map((type) => `${type}_INCREASED`), "MULTIPLE_OF_EXPANDED"], MORE),
  ...all(
    MAXIMA.map((type) => `${type}_DECREASED`),
    LESS,
  ),
  ...all(["PATTERN_CHANGED", "MULTIPLE_OF_CHANGED", "DEPENDENCY_ARRAY_CHANGED"], OTHER),
  ...all(
    [
      "ADDITIONAL_PROPERTIES_NARROWED",
      "ADDITIONAL_ITEMS_NARROWED",
      "UNEVALUATED_PROPERTIES_NARROWED",
      "UNEVALUATED_ITEMS_NARROWED",
      "ENUM_ARRAY_NARROWED",
      "SUM_TYPE_NARROWED",
    ],
    FEWER_ELEMENTS,
  ),
  ...all(["DEPENDENCY_ARRAY_EXTENDED", "PRODUCT_TYPE_EXTENDED", "NOT_TYPE_EXTENDED"], MORE_ELEMENTS),
  ...all(
    [
      "TYPE_CHANGED",
      "TYPE_NARROWED",
      "COMBINED_TYPE_CHANGED",
      "COMBINED_TYPE_SUBSCHEMAS_CHANGED",
      "ENUM_ARRAY_CHANGED",
    ],
    OTHER_TYPE,
  ),
  ...all(
    [
      "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
      "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
      "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
      "ITEM_ADDED_TO_OPEN_CONTENT_MODEL",
    ],
    TO_OPEN,
  ),
  ["REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", TO_UNOPEN],
  ...all(["PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL"], FROM_CLOSED),
  ...all(
    [
      "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
      "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    ],
    REMOVED_UNCOVERED,
  ),
  ...all(
    [
      "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
      "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    ],
    ADDED_UNCOVERED,
  ),
]);

const NEVER: ReadonlySet<string> = new Set([...DESCRIPTIONS.keys()].filter((type) => !LENIENT_ONLY.has(type)));

/** A line for a client. The odd closing quote is the original's. */
export function differenceLine({ type, path }: Difference): string {
  const place = `#/${path.join("/")}`;
  return `{errorType:"${type}", description:"${DESCRIPTIONS.get(type)?.(place) ?? place}'}`;
}
