import { compareArrays } from "./compare-arrays.js";
import { compareObjects } from "./compare-objects.js";
import { compareConstants, compareNumbers, compareStrings } from "./compare-values.js";
import type { Child, Comparison } from "./comparison.js";
import { type Difference, isTolerated } from "./difference.js";
import type { SchemaPlace } from "./json-schema-documents.js";
import type { Criterion, SchemaShape, SchemaShapes } from "./schema-shape.js";

/** The changes that make data of an original schema unreadable with an update. */
export function schemaDifferences(original: SchemaShapes, update: SchemaShapes, isLenient: boolean): Difference[] {
  return new SchemaComparison(original, update, isLenient).differences(original.root, update.root);
}

/** Of one pair. A schema that is used in many places would have each of its differences at all of them. */
const MOST_DIFFERENCES = 1000;
/** So many nested `not` are told apart: those of a schema that denies itself have no end. */
const MOST_SWAPS = 100;

/** A pair without a difference, as long as the open pairs around it have none. */
interface Assumed {
  readonly original: SchemaShape;
  readonly update: SchemaShape;
  /** The outermost of those. */
  reliesOn: number;
}

class SchemaComparison implements Comparison {
  /** Pairs that are being compared count as the same, which makes recursion end. */
  readonly #open = new Map<SchemaShape, Map<SchemaShape, number>>();
  readonly #known = new Map<SchemaShape, Map<SchemaShape, Difference[]>>();
  /** In the order in which they were found: what an open pair has added is at the end. */
  readonly #assumed: Assumed[] = [];
  #depth = 0;
  /** The outermost open pair that a result has relied on. */
  #reliedOn = Number.POSITIVE_INFINITY;

  constructor(
    private readonly original: SchemaShapes,
    private readonly update: SchemaShapes,
    private readonly isLenient: boolean,
    private readonly swaps = 0,
  ) {}

  raised(type: string, ...path: string[]): Difference[] {
    return isTolerated(type, this.isLenient) ? [] : [{ type, path }];
  }

  children(original: Child | undefined, update: Child | undefined, ...path: string[]): Difference[] {
    if (!original || !update) {
      return original || update ? this.raised(original ? "SCHEMA_REMOVED" : "SCHEMA_ADDED", ...path) : [];
    }
    const found = this.differences(
      this.original.child(original.place, original.json),
      this.update.child(update.place, update.json),
    );
    return found.map((each) => ({ type: each.type, path: [...path, ...each.path] }));
  }

  differences(original: SchemaShape, update: SchemaShape): Difference[] {
    const known = this.#known.get(original)?.get(update);
    if (known) {
      if (known.length === 0) this.#rely(this.#assumed.find((each) => isPair(each, original, update))?.reliesOn);
      return known;
    }
    const open = this.#open.get(original)?.get(update);
    if (open !== undefined) {
      this.#rely(open);
      return [];
    }
    const depth = this.#depth++;
    const outer = this.#reliedOn;
    const firstAssumed = this.#assumed.length;
    this.#reliedOn = Number.POSITIVE_INFINITY;
    set(this.#open, original, update, depth);
    const found = this.#compare(original, update).slice(0, MOST_DIFFERENCES);
    this.#open.get(original)!.delete(update);
    this.#depth--;
    // A difference stays one whatever the open pairs turn out to be.
    set(this.#known, original, update, found);
    if (found.length > 0) {
      for (const each of this.#assumed.splice(firstAssumed)) this.#known.get(each.original)!.delete(each.update);
    } else if (this.#reliedOn >= depth) {
      this.#assumed.splice(firstAssumed);
    } else {
      for (const each of this.#assumed.slice(firstAssumed)) each.reliesOn = Math.min(each.reliesOn, this.#reliedOn);
      this.#assumed.push({ original, update, reliesOn: this.#reliedOn });
    }
    const own = found.length === 0 && this.#reliedOn < depth ? this.#reliedOn : undefined;
    this.#reliedOn = outer;
    this.#rely(own);
    return found;
  }

  #rely(depth = Number.POSITIVE_INFINITY): void {
    this.#reliedOn = Math.min(this.#reliedOn, depth);
  }

  #compare(original: SchemaShape, update: SchemaShape): Difference[] {
    if (original.kind !== "combined" && update.kind === "combined") {
      const single = update.parts.length === 1;
      if (single || update.criterion !== "allOf") {
        if (update.parts.some((part) => this.differences(original, part).length === 0)) return [];
      }
    } else if (original.kind === "combined" && update.kind !== "combined") {
      const single = original.parts.length === 1;
      if (single || original.criterion === "allOf") {
        if (original.parts.some((part) => this.differences(part, update).length === 0)) return [];
      }
    }
    if (original.kind !== update.kind) {
      const isBoth = isConnectBytes(original) && isConnectBytes(update);
      return original.kind === "false" || update.kind === "empty" || isBoth ? [] : this.raised("TYPE_CHANGED");
    }
    if (original.kind === "combined" && update.kind === "combined") return this.#combined(original, update);
    if (original.kind === "not" && update.kind === "not") return this.#not(original.inner, update.inner);
    if ("values" in original && "values" in update) return compareConstants(this, original, update);
    if (!("json" in original && "json" in update)) return [];
    const [one, other] = [
      { place: original.place, json: original.json, isInteger: original.isInteger },
      { place: update.place, json: update.json, isInteger: update.isInteger },
    ];
    switch (original.kind) {
      case "string":
        return compareStrings(this, one.json, other.json);
      case "number":
        return compareNumbers(this, one, other);
      case "object":
        return compareObjects(this, one, other);
      case "array":
        return compareArrays(this, one, other);
      default:
        return [];
    }
  }

  #combined(original: Combined, update: Combined): Difference[] {
    const isExtended =
      original.criterion === update.criterion ||
      update.criterion === "anyOf" ||
      (original.parts.length === 1 && (update.parts.length === 1 || update.criterion === "oneOf")) ||
      (update.parts.length === 1 && original.criterion === "allOf");
    if (!isExtended) return this.raised("COMBINED_TYPE_CHANGED");
    const [before, after] = [[...new Set(original.parts)], [...new Set(update.parts)]];
    const found: Difference[] = [];
    if (before.length < after.length && update.criterion === "allOf")
      found.push(...this.raised("PRODUCT_TYPE_EXTENDED"));
    if (before.length > after.length && original.criterion !== "allOf") found.push(...this.raised("SUM_TYPE_NARROWED"));
    const matched = mostPairs(before.map((part) => after.map((other) => this.differences(part, other).length === 0)));
    if (matched < Math.min(before.length, after.length)) found.push(...this.raised("COMBINED_TYPE_SUBSCHEMAS_CHANGED"));
    return found;
  }

  /** What must not match is compared the other way round. */
  #not(original: SchemaPlace, update: SchemaPlace): Difference[] {
    if (this.swaps === MOST_SWAPS) return this.raised("NOT_TYPE_EXTENDED", "not");
    const swapped = new SchemaComparison(this.update, this.original, this.isLenient, this.swaps + 1);
    const found = swapped.differences(this.update.of(update), this.original.of(original));
    return found.length === 0 ? [] : this.raised("NOT_TYPE_EXTENDED", "not");
  }
}

function isPair(pair: Assumed, original: SchemaShape, update: SchemaShape): boolean {
  return pair.original === original && pair.update === update;
}

interface Combined {
  readonly criterion: Criterion;
  readonly parts: readonly SchemaShape[];
}

function isConnectBytes(shape: SchemaShape): boolean {
  return "json" in shape && shape.json.get("connect.type") === "bytes";
}

/** The size of the largest set of pairs in which nobody is twice. */
function mostPairs(fits: readonly (readonly boolean[])[]): number {
  const takenBy = new Map<number, number>();
  const finds = (row: number, seen: Set<number>): boolean => {
    for (const [column, isFit] of fits[row]!.entries()) {
      if (!isFit || seen.has(column)) continue;
      seen.add(column);
      const holder = takenBy.get(column);
      if (holder === undefined || finds(holder, seen)) {
        takenBy.set(column, row);
        return true;
      }
    }
    return false;
  };
  return fits.filter((_, row) => finds(row, new Set())).length;
}

function set<V>(map: Map<SchemaShape, Map<SchemaShape, V>>, one: SchemaShape, other: SchemaShape, value: V): void {
  const found = map.get(one) ?? new Map<SchemaShape, V>();
  found.set(other, value);
  map.set(one, found);
}
