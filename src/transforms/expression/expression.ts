import { ConfigError, type ConnectRecord, DataError, parseDecimal } from "../../api/index.js";
import { METHOD_NAMES, matcherOf, methodNamed } from "./expression-methods.js";
import { ExpressionFault, expressionTokens, type Token } from "./expression-tokens.js";
import {
  aligned,
  areEqual,
  compared,
  doubleOf,
  headersHolder,
  isHolder,
  isNumber,
  isTrue,
  kindOf,
  readValue,
  schemaHolder,
  textOf,
  type Value,
} from "./expression-value.js";

/** An expression of a record: its value, or a DataError. */
export type Expression = (record: ConnectRecord) => Value;

/** What expressions can read of a record. */
const VARIABLES: Readonly<Record<string, Expression>> = {
  key: (record) => readValue(record.keySchema, record.key),
  value: (record) => readValue(record.valueSchema, record.value),
  keySchema: (record) => schemaHolder(record.keySchema),
  valueSchema: (record) => schemaHolder(record.valueSchema),
  topic: (record) => record.topic,
  header: headersHolder,
};
const CONSTANTS: Readonly<Record<string, Value>> = { true: true, false: false, null: null };
/** Deeper nesting would overflow the parser's stack. */
const DEEPEST = 100;

/**
 * Reads an expression in the subset of Groovy that docs/transforms.md describes.
 *
 * @param key the configuration key, for errors.
 * @returns a function of a record, which throws DataError with the position of what cannot be evaluated.
 * @throws ConfigError with the position of what is not part of the language.
 */
export function parseExpression(key: string, source: string): Expression {
  try {
    return new ExpressionParser(key, source).parse();
  } catch (cause) {
    if (!(cause instanceof ExpressionFault)) throw cause;
    throw new ConfigError(
      key,
      `Invalid value ${source} for configuration ${key}: the expression is not understood ${cause.message}. It may use a subset of Groovy, which docs/transforms.md describes`,
      { cause },
    );
  }
}

class ExpressionParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(
    private readonly key: string,
    source: string,
  ) {
    this.#tokens = expressionTokens(source);
  }

  parse(): Expression {
    const expression = this.#conditional();
    if (this.#token.kind !== "end") throw this.#unexpected();
    return expression;
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  /** The next token if it is one of these signs, or names that are operators. */
  #take(...signs: readonly string[]): Token | undefined {
    const token = this.#token;
    if ((token.kind !== "sign" && token.text !== "in") || !signs.includes(token.text)) return undefined;
    this.#at++;
    return token;
  }

  #expect(sign: string): void {
    if (!this.#take(sign))
      throw new ExpressionFault(this.#token.position, `${sign} is expected, not ${this.#token.text}`);
  }

  #unexpected(): ExpressionFault {
    return new ExpressionFault(this.#token.position, `${this.#token.text} is not expected`);
  }

  #conditional(): Expression {
    if (++this.#depth > DEEPEST) throw new ExpressionFault(this.#token.position, "it is nested too deeply");
    const condition = this.#or();
    let result = condition;
    if (this.#take("?:")) {
      const other = this.#conditional();
      result = (record) => {
        const value = condition(record);
        return isTrue(value) ? value : other(record);
      };
    } else if (this.#take("?")) {
      const yes = this.#conditional();
      this.#expect(":");
      const no = this.#conditional();
      result = (record) => (isTrue(condition(record)) ? yes(record) : no(record));
    }
    this.#depth--;
    return result;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#take("||")) {
      const [one, other] = [left, this.#and()];
      left = (record) => isTrue(one(record)) || isTrue(other(record));
    }
    return left;
  }

  #and(): Expression {
    let left = this.#equality();
    while (this.#take("&&")) {
      const [one, other] = [left, this.#equality()];
      left = (record) => isTrue(one(record)) && isTrue(other(record));
    }
    return left;
  }

  #equality(): Expression {
    let left = this.#relation();
    for (let sign = this.#take("==", "!=", "==~"); sign; sign = this.#take("==", "!=", "==~")) {
      const one = left;
      if (sign.text === "==~") {
        const matches = this.#pattern();
        left = at(sign, (record) => {
          const value = one(record);
          return value !== null && matches(value);
        });
        continue;
      }
      const other = this.#relation();
      const expected = sign.text === "==";
      left = at(sign, (record) => areEqual(one(record), other(record)) === expected);
    }
    return left;
  }

  #relation(): Expression {
    const left = this.#sum();
    const sign = this.#take("<", "<=", ">", ">=", "in");
    if (!sign) return left;
    const right = this.#sum();
    if (["<", "<=", ">", ">=", "in"].includes(this.#token.text) && this.#token.kind !== "text")
      throw this.#unexpected();
    return at(sign, (record) => {
      const [one, other] = [left(record), right(record)];
      if (sign.text === "in") return isIn(one, other);
      const order = compared(one, other);
      return sign.text.startsWith("<")
        ? order < 0 || (order === 0 && sign.text === "<=")
        : order > 0 || (order === 0 && sign.text === ">=");
    });
  }

  #sum(): Expression {
    let left = this.#product();
    for (let sign = this.#take("+", "-"); sign; sign = this.#take("+", "-")) {
      const [one, other, operator] = [left, this.#product(), sign.text];
      left = at(sign, (record) => calculated(operator, one(record), other(record)));
    }
    return left;
  }

  #product(): Expression {
    let left = this.#unary();
    for (let sign = this.#take("*", "%"); sign; sign = this.#take("*", "%")) {
      const [one, other, operator] = [left, this.#unary(), sign.text];
      left = at(sign, (record) => calculated(operator, one(record), other(record)));
    }
    return left;
  }

  #unary(): Expression {
    const sign = this.#take("!", "-");
    if (!sign) return this.#postfix();
    if (++this.#depth > DEEPEST) throw new ExpressionFault(sign.position, "it is nested too deeply");
    const operand = this.#unary();
    this.#depth--;
    return sign.text === "!"
      ? (record) => !isTrue(operand(record))
      : at(sign, (record) => calculated("-", 0n, operand(record)));
  }

  #postfix(): Expression {
    let receiver = this.#primary();
    for (;;) {
      const bracket = this.#take("[");
      if (bracket) {
        const [holder, index] = [receiver, this.#conditional()];
        this.#expect("]");
        receiver = at(bracket, (record) => indexed(holder(record), index(record)));
        continue;
      }
      const dot = this.#take(".", "?.");
      if (!dot) return receiver;
      receiver = this.#member(receiver, dot);
    }
  }

  #member(receiver: Expression, dot: Token): Expression {
    const name = this.#token;
    if (name.kind !== "name" && name.kind !== "text") throw this.#unexpected();
    this.#at++;
    const isCall = name.kind === "name" && this.#take("(") !== undefined;
    if (!isCall && name.kind === "name" && name.text === "class")
      throw new ExpressionFault(name.position, "class is not part of the expression language");
    const use = isCall ? this.#call(name) : () => (value: Value) => memberOf(value, name.text);
    return at(name, (record) => {
      const value = receiver(record);
      return value === null && dot.text === "?." ? null : use(record)(value);
    });
  }

  /** The arguments of a method, behind the opening bracket. */
  #call(name: Token): (record: ConnectRecord) => (receiver: Value) => Value {
    if (name.text === "matches") {
      const matches = this.#pattern();
      this.#expect(")");
      return () => (receiver) => {
        if (receiver === null) throw new DataError("VALUE_INVALID", "null has no such method");
        return matches(receiver);
      };
    }
    const method = methodNamed(name.text);
    if (!method)
      throw new ExpressionFault(name.position, `there is no method ${name.text}, only ${METHOD_NAMES.join(", ")}`);
    const args: Expression[] = [];
    if (!this.#take(")")) {
      do args.push(this.#conditional());
      while (this.#take(","));
      this.#expect(")");
    }
    if (args.length < method.least || args.length > method.most)
      throw new ExpressionFault(name.position, `${name.text} takes ${method.most} arguments, not ${args.length}`);
    return (record) => (receiver) =>
      method.call(
        receiver,
        args.map((arg) => arg(record)),
      );
  }

  /** A Java pattern: a text, so that it is judged with the configuration. */
  #pattern(): (value: Value) => boolean {
    const token = this.#token;
    if (token.kind !== "text") throw new ExpressionFault(token.position, "a pattern is expected, as a text in quotes");
    this.#at++;
    return matcherOf(this.key, token.text);
  }

  #primary(): Expression {
    const token = this.#token;
    this.#at++;
    if (token.kind === "text") return () => token.text;
    if (token.kind === "number") return constant(numberOf(token));
    if (token.kind === "name") {
      if (Object.hasOwn(CONSTANTS, token.text)) return constant(CONSTANTS[token.text]!);
      if (Object.hasOwn(VARIABLES, token.text)) return VARIABLES[token.text]!;
      throw new ExpressionFault(
        token.position,
        `${token.text} is not known: there are ${Object.keys(VARIABLES).join(", ")}`,
      );
    }
    if (token.text === "(" && token.kind === "sign") {
      const inner = this.#conditional();
      this.#expect(")");
      return inner;
    }
    if (token.text === "[" && token.kind === "sign") {
      const items: Expression[] = [];
      if (this.#take("]")) return constant([]);
      do items.push(this.#conditional());
      while (this.#take(","));
      this.#expect("]");
      return (record) => items.map((item) => item(record));
    }
    throw new ExpressionFault(token.position, `${token.text} is not expected`);
  }
}

/** Adds the position to what cannot be evaluated. */
function at({ position }: Token, evaluate: Expression): Expression {
  return (record) => {
    try {
      return evaluate(record);
    } catch (error) {
      if (!(error instanceof DataError) || error.message.startsWith("The expression")) throw error;
      throw new DataError(
        "VALUE_INVALID",
        `The expression cannot be evaluated for a record, at position ${position}: ${error.message}`,
        { cause: error },
      );
    }
  };
}

function constant(value: Value): Expression {
  return () => value;
}

function numberOf({ text, position }: Token): Value {
  const suffix = /[A-Za-z]$/.exec(text)?.[0]?.toLowerCase() ?? "";
  const digits = suffix === "" ? text : text.slice(0, -1);
  if (suffix === "d" || suffix === "f") return Number(digits);
  if (!/^\d+$/.test(digits)) {
    if (suffix === "l" || suffix === "i") throw new ExpressionFault(position, `${text} is no integer`);
    return parseDecimal(digits)!;
  }
  // A leading zero would make an octal number of it.
  if (/^0\d/.test(digits)) throw new ExpressionFault(position, `${text} begins with 0`);
  return BigInt(digits);
}

function memberOf(value: Value, name: string): Value {
  if (isHolder(value)) return value.member(name);
  throw new DataError("VALUE_INVALID", `${kindOf(value)} has no ${name}`);
}

function indexed(value: Value, index: Value): Value {
  if (typeof index === "string") return memberOf(value, index);
  if (!Array.isArray(value) || typeof index !== "bigint")
    throw new DataError("VALUE_INVALID", `${kindOf(value)} has no element at ${kindOf(index)}`);
  const item: Value | undefined = value.at(Number(index));
  if (item === undefined && index < 0n) throw new DataError("VALUE_INVALID", "the list is shorter");
  return item ?? null;
}

function isIn(value: Value, list: Value): boolean {
  if (Array.isArray(list)) return list.some((item: Value) => areEqual(item, value));
  if (isHolder(list) && list.map) return typeof value === "string" && list.map.has(value);
  throw new DataError("VALUE_INVALID", `nothing is in ${kindOf(list)}`);
}

function calculated(operator: string, one: Value, other: Value): Value {
  const isText = typeof one === "string" || (typeof other === "string" && one !== null);
  if (operator === "+" && isText) return textOf(one) + textOf(other);
  if (!isNumber(one) || !isNumber(other))
    throw new DataError("VALUE_INVALID", `${kindOf(one)} ${operator} ${kindOf(other)} has no value`);
  if (typeof one === "number" || typeof other === "number") {
    const [a, b] = [doubleOf(one), doubleOf(other)];
    return operator === "+" ? a + b : operator === "-" ? a - b : operator === "*" ? a * b : a % b;
  }
  const [a, b, scale] = aligned(one, other);
  if (operator === "%" && b === 0n) throw new DataError("VALUE_INVALID", "a remainder of 0 has no value");
  const unscaled = operator === "+" ? a + b : operator === "-" ? a - b : operator === "*" ? a * b : a % b;
  if (typeof one === "object" || typeof other === "object")
    return { unscaled, scale: operator === "*" ? 2 * scale : scale };
  if (BigInt.asIntN(64, unscaled) !== unscaled)
    throw new DataError("VALUE_INVALID", "the result has more than 64 bits");
  return unscaled;
}
