import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ConfigError } from "../../../src/api/index.js";
import { scramUsers } from "../../../src/app/scram-users.js";

function passwordFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-scram-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "password");
  writeFileSync(file, "from-file\n");
  return file;
}

test("a user that is named without a password has that of the file, another keeps its own", () => {
  const users = scramUsers(["ann", "SCRAM-SHA-256=[name=bob,password=own]"], passwordFile());
  expect(users.map(({ name, password }) => [name, password])).toEqual([
    ["ann", "from-file"],
    ["bob", "own"],
  ]);
});

test.each([
  [[], /^--password-file needs the user whose password it is: add --add-scram USER/],
  [["SCRAM-SHA-256=[name=bob,password=own]"], /^--password-file is for no user: each --add-scram has a password/],
])("a password file that is nobody's is refused: %j", (addScram, message) => {
  const run = () => scramUsers(addScram, passwordFile());
  expect(run).toThrow(ConfigError);
  expect(run).toThrow(message);
});

test("a user without any password is refused, and what was written stays hidden", () => {
  const run = () => scramUsers(["SCRAM-SHA-256=[name=ann,pasword=secret]"], undefined);
  expect(run).toThrow(/^Invalid value \[hidden\] for --add-scram: expected /);
  expect(run).not.toThrow(/secret/);
});

test("without users and without a file nobody is added", () => {
  expect(scramUsers([], undefined)).toEqual([]);
});
