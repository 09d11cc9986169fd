import { expect, test } from "vitest";
import { SimClock } from "../../../../../src/base/clock.js";
import { silentLogger } from "../../../../../src/base/logger.js";
import { BrokerProperties } from "../../../../../src/broker/broker-properties.js";
import { ListenerTokens } from "../../../../../src/broker/security/oauth/listener-tokens.js";

test.each([
  ["ftp://ann:pass@login.example.test/keys", "got ftp:"],
  ["https//ann:pass@login.example.test/keys", "got no URL"],
  ["", "got none"],
])("a URL that cannot be used is not shown: %j", (url, got) => {
  const of = (key: string) => (key.endsWith("url") ? url : undefined);
  const open = () => ListenerTokens.of("X", of, new SimClock(), silentLogger);
  expect(open).toThrow(got);
  expect(open).not.toThrow("pass");
});

test("keys that are never read again: Long.MAX_VALUE", () => {
  const properties = new BrokerProperties({
    "sasl.oauthbearer.jwks.endpoint.url": "https://login.example.test/keys",
    "listener.name.x.sasl.oauthbearer.jwks.endpoint.refresh.ms": "9223372036854775807",
  });
  const tokens = ListenerTokens.of("X", properties.ofListener("X"), new SimClock(), silentLogger);
  expect(tokens.refreshInMs).toBe(2 ** 63);
});
