import { expect, test } from "vitest";
import { Connectivity, shareConnectivity } from "../../../../src/kafka/cluster/connectivity.js";

test("only changes are reported", () => {
  const told: (string | undefined)[] = [];
  const connectivity = new Connectivity((reason) => told.push(reason));
  connectivity.moving();
  connectivity.waiting("a");
  connectivity.waiting("a");
  connectivity.moving();
  connectivity.moving();
  expect(told).toEqual(["a", undefined]);
});

test("no reporter hides that another still waits", () => {
  const told: (string | undefined)[] = [];
  const share = shareConnectivity((reason) => told.push(reason));
  const [reader, member] = [share(), share()];
  member("no coordinator");
  reader("no leader");
  member(undefined);
  reader(undefined);
  expect(told).toEqual(["no coordinator", "no leader", undefined]);
});
