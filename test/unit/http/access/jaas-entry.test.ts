import { expect, test } from "vitest";
import { jaasEntry } from "../../../../src/http/access/jaas-entry.js";

const KEY = "java.security.auth.login.config";

test("an entry is found among others, through comments, with its modules in order", () => {
  const text = `
    // KafkaConnect { Wrong required; };
    KafkaClient { a.B required user="x;y" pass='{"}'; };
    /* several
       lines */
    KafkaConnect {
      first.Module sufficient
        file="/etc/users \\"a\\".properties"
        debug=true;
      second.Module REQUIRED file=/etc/others;
    };`;
  expect(jaasEntry(KEY, text, "KafkaConnect")).toEqual([
    { className: "first.Module", flag: "sufficient", options: { file: '/etc/users "a".properties', debug: "true" } },
    { className: "second.Module", flag: "required", options: { file: "/etc/others" } },
  ]);
  expect(jaasEntry(KEY, text, "Other")).toBeUndefined();
  expect(jaasEntry(KEY, "", "KafkaConnect")).toBeUndefined();
});

test.each([
  "KafkaConnect {",
  "KafkaConnect { a.B always; };",
  "KafkaConnect { a.B required file hunter2; };",
  "KafkaConnect { a.B required } ;",
  "KafkaConnect a.B required;",
])("%j is refused without quoting it", (text) => {
  expect(() => jaasEntry(KEY, text, "KafkaConnect")).toThrow(/not a JAAS configuration/);
  expect(() => jaasEntry(KEY, text, "KafkaConnect")).not.toThrow(/hunter2/);
});
