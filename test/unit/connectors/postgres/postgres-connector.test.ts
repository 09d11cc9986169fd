import { expect, test } from "vitest";
import { PostgresConnector } from "../../../../connectors/postgres/postgres-connector.js";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";

test("any key that cannot be parsed is reported under its name, without connecting to the database", async () => {
  const context = { clock: new SimClock(), random: new SeededRandom(1), logger: silentLogger };
  const props = {
    "topic.prefix": "shop",
    "database.hostname": "host.invalid",
    "database.user": "u",
    "database.dbname": "d",
  };
  for (const [key, value] of [
    ["column.exclude.list", "*.password"],
    ["message.prefix.include.list", "a("],
    ["snapshot.include.collection.list", "["],
    ["message.key.columns", "(:id"],
    ["poll.interval.ms", "soon"],
  ] as const) {
    const values = await new PostgresConnector().validate({ ...props, [key]: value }, [], context);
    expect(values.filter(({ errors }) => errors.length > 0)).toMatchObject([
      { name: key, errors: [expect.stringContaining(`The '${key}' value is invalid: `)] },
    ]);
  }
});
