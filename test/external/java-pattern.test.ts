import { spawn } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { javaPattern } from "../../src/api/index.js";
import { fixedSeedOf } from "../support/seed.js";
import { isOnPath } from "./peers.js";

const hasJava = isOnPath("java");
if (!hasJava) console.warn("\n*** The comparison with java.util.regex is SKIPPED: java not found ***\n");

/** Pattern.CASE_INSENSITIVE. */
const CASE_INSENSITIVE = 2;
/** Large enough that every pair of constructs meets. */
const PATTERNS = 40_000;

interface Case {
  readonly source: string;
  readonly ignoresCase: boolean;
  readonly texts: readonly string[];
}

/** What Java answers for each case: 1 and 0 for each text, or E. */
function askJava(cases: readonly Case[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn("java", [join(import.meta.dirname, "JavaMatcher.java")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(chunks).toString("latin1").trimEnd().split("\n"));
      else reject(new Error(`java ended with ${code}`));
    });
    const encode = (text: string) => Buffer.from(`x${text}`, "utf8").toString("base64");
    for (const { source, ignoresCase, texts } of cases)
      child.stdin.write(`${[ignoresCase ? CASE_INSENSITIVE : 0, ...[source, ...texts].map(encode)].join(" ")}\n`);
    child.stdin.end();
  });
}

/** What ours answers, in the same form; undefined where it refuses. */
function askOurs({ source, ignoresCase, texts }: Case): string | undefined {
  let pattern: RegExp;
  try {
    pattern = javaPattern("topics.regex", source, { ignoresCase });
  } catch {
    return undefined;
  }
  return texts.map((text) => (pattern.test(text) ? "1" : "0")).join("");
}

async function compare(cases: readonly Case[]): Promise<{ readonly accepted: number; readonly wrong: unknown[] }> {
  const answers = await askJava(cases);
  expect(answers).toHaveLength(cases.length);
  const wrong: unknown[] = [];
  let accepted = 0;
  for (const [index, given] of cases.entries()) {
    const ours = askOurs(given);
    if (ours === undefined) continue;
    accepted++;
    if (ours === answers[index]) continue;
    const { source: pattern, ignoresCase } = given;
    const differing = given.texts.filter((_, at) => ours[at] !== answers[index]![at]);
    wrong.push({
      pattern,
      ignoresCase,
      java: answers[index] === "E" ? "refuses" : "differs",
      differing: JSON.stringify(differing),
    });
  }
  return { accepted, wrong };
}

const CHARS = [
  "a",
  "b",
  "c",
  "z",
  "A",
  "B",
  "K",
  "k",
  "s",
  "1",
  "_",
  ".",
  "-",
  "&",
  "^",
  "$",
  "]",
  "}",
  " ",
  "#",
  ",",
  ":",
];
const ODD = ["\n", "\r", "\t", "\x0b", "\x85", "\u2028", "\xa0", "é", "É", "ß", "\u017f", "\u212a", "日", "😀", "\x07"];
const ESCAPES = [
  ...["\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\h", "\\H", "\\v", "\\V", "\\R", "\\b", "\\B", "\\A", "\\z", "\\Z"],
  ...[
    "\\G",
    "\\a",
    "\\e",
    "\\f",
    "\\n",
    "\\r",
    "\\t",
    "\\cA",
    "\\c!",
    "\\x41",
    "\\x{1F600}",
    "\\u00e9",
    "\\uD83D\\uDE00",
  ],
  ...[
    "\\0101",
    "\\07",
    "\\0378",
    "\\.",
    "\\-",
    "\\&",
    "\\_",
    "\\[",
    "\\\\",
    "\\/",
    "\\ ",
    "\\é",
    "\\Q.a*\\E",
    "\\Qa",
    "\\E",
    "\\Q]\\E",
  ],
  ...[
    "\\p{Alpha}",
    "\\p{Lower}",
    "\\p{Upper}",
    "\\P{Punct}",
    "\\pL",
    "\\PL",
    "\\p{Lu}",
    "\\p{IsAlphabetic}",
    "\\p{Space}",
  ],
  ...["\\p{IsLowercase}", "\\p{javaUpperCase}", "\\p{InGreek}", "\\1", "\\k<n>", "\\X", "\\y", "\\N"],
];
const CLASS_PARTS = [
  ...[
    "a-c",
    "A-Z",
    "^",
    "-",
    "&",
    "&&",
    "[",
    "]",
    "[bc]",
    "[^b]",
    "&&[^b]",
    "&&b",
    "a-",
    "!-~",
    "[a[b]]",
    "é-ü",
    "k",
    "s",
  ],
];
const QUANTIFIERS = [
  "*",
  "+",
  "?",
  "*?",
  "+?",
  "??",
  "*+",
  "++",
  "?+",
  "{2}",
  "{1,}",
  "{0,2}",
  "{1,2}?",
  "{2}+",
  "{,2}",
  "{",
];
const GROUPS = [
  "(",
  "(?:",
  "(?i:",
  "(?-i:",
  "(?s:",
  "(?=",
  "(?!",
  "(?<=",
  "(?<!",
  "(?>",
  "(?<n>",
  "(?i)",
  "(?s)",
  "(?-i)",
  "(?m)",
  "(?x)",
  "(?#",
];

const member = (...lists: readonly (readonly string[])[]) => fc.constantFrom(...lists.flat());

const characterClass = fc
  .tuple(
    fc.constantFrom("[", "[^"),
    fc.array(fc.oneof(member(CHARS), member(CLASS_PARTS), member(ESCAPES, ODD)), { minLength: 1, maxLength: 5 }),
  )
  .map(([open, parts]) => `${open}${parts.join("")}]`);

/** Mostly well formed, so that most are accepted; the rest is what slips through keyboards. */
const source = fc.letrec<{ whole: string; part: string }>((tie) => ({
  whole: fc.array(tie("part"), { maxLength: 5 }).map((parts) => parts.join("")),
  part: fc.oneof(
    { maxDepth: 3 },
    { weight: 6, arbitrary: member(["a", "b", "A", "k", "."]) },
    { weight: 3, arbitrary: member(CHARS, ODD) },
    { weight: 4, arbitrary: member(ESCAPES) },
    { weight: 4, arbitrary: characterClass },
    { weight: 1, arbitrary: member(["|", "^", "$", ")", "("]) },
    {
      weight: 5,
      arbitrary: fc.tuple(tie("part"), member(QUANTIFIERS)).map(([part, times]) => part + times),
    },
    {
      weight: 5,
      arbitrary: fc
        .tuple(member(GROUPS), tie("whole"), tie("whole"), fc.boolean())
        .map(([open, first, second, isEither]) => {
          const inner = isEither ? `${first}|${second}` : first;
          return open.endsWith(")") ? `${open}${inner}` : `${open}${inner})`;
        }),
    },
  ),
})).whole;

const texts = fc.array(
  fc
    .array(fc.oneof({ weight: 4, arbitrary: member(["a", "b", "A", "c", "k"]) }, member(CHARS, ODD)), { maxLength: 4 })
    .map((parts) => parts.join("")),
  { minLength: 12, maxLength: 12 },
);

/** Before Java 19, word boundaries are those of all letters: such texts tell nothing there. */
const isTellable = ({ source: pattern, texts: given }: Case) =>
  !/\\[bB]/.test(pattern) || given.every((text) => /^\p{ASCII}*$/u.test(text));

describe.skipIf(!hasJava)("what is accepted means what it means in Java", () => {
  test("every character, for every class of one character", async () => {
    const classes = [
      ...[
        "\\d",
        "\\w",
        "\\s",
        "\\h",
        "\\v",
        ".",
        "(?s).",
        "\\R",
        "[^\\W_]",
        "[a-z&&[^k]]",
        "[^a-z&&[^k]]",
        "[k-s]",
        "s",
        "\\x{e9}",
      ],
      ...[
        "Lower",
        "Upper",
        "ASCII",
        "Alpha",
        "Digit",
        "Alnum",
        "Punct",
        "Graph",
        "Print",
        "Blank",
        "Cntrl",
        "XDigit",
        "Space",
      ].flatMap((name) => [`\\p{${name}}`, `\\P{${name}}`]),
    ];
    const all = Array.from({ length: 0x3000 }, (_, codePoint) => String.fromCodePoint(codePoint));
    const cases = classes.flatMap((pattern) =>
      [true, false].map((ignoresCase) => ({ source: pattern, ignoresCase, texts: all })),
    );
    expect(await compare(cases)).toEqual({ accepted: cases.length, wrong: [] });
  });

  test("categories, for the characters that have long been in Unicode", async () => {
    const names = [
      ...[
        "L",
        "Lu",
        "Ll",
        "Lt",
        "Lm",
        "Lo",
        "M",
        "Mn",
        "Mc",
        "Me",
        "N",
        "Nd",
        "Nl",
        "No",
        "P",
        "Pc",
        "Pd",
        "Ps",
        "Pe",
        "Pi",
      ],
      ...["Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "IsL", "IsLu", "IsNd"],
      ...["IsAlphabetic", "IsLetter", "IsDigit", "IsLowercase", "IsUppercase"],
    ];
    const long = [
      // Unicode itself has changed what U+0295 and the marks from U+0363 on are.
      [0, 0x294],
      [0x296, 0x362],
      [0x370, 0x5ff],
      [0x1e00, 0x1eff],
      [0x2000, 0x206f],
      [0x3041, 0x30ff],
      [0x4e00, 0x4fff],
      [0xac00, 0xadff],
    ].flatMap(([first, last]) =>
      Array.from({ length: last! - first! + 1 }, (_, index) => String.fromCodePoint(first! + index)),
    );
    const cases = names.flatMap((name) =>
      [true, false].map((ignoresCase) => ({ source: `\\p{${name}}`, ignoresCase, texts: long })),
    );
    expect(await compare(cases)).toEqual({ accepted: cases.length, wrong: [] });
  });

  test("generated patterns and texts", async () => {
    const seed = fixedSeedOf("patterns");
    const patterns = fc.record({ source, ignoresCase: fc.boolean(), texts });
    const cases = fc.sample(patterns, { numRuns: PATTERNS, seed }).filter(isTellable);
    const { accepted, wrong } = await compare(cases);
    expect(wrong).toEqual([]);
    expect(accepted).toBeGreaterThan(PATTERNS / 4);
  });
});
