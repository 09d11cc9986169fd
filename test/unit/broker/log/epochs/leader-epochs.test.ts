import { describe, expect, test } from "vitest";
import { decodeEpochs, encodeEpochs, LeaderEpochs } from "../../../../../src/broker/log/epochs/leader-epochs.js";

describe("leader epochs", () => {
  test("tell where each epoch ended", () => {
    const epochs = new LeaderEpochs();
    epochs.note(2, 0);
    expect(epochs.note(2, 5)).toBe(false);
    epochs.note(5, 10);
    expect(epochs.endOf(1, 7, 30)).toEqual({ leaderEpoch: 1, endOffset: 0 });
    expect(epochs.endOf(2, 7, 30)).toEqual({ leaderEpoch: 2, endOffset: 10 });
    expect(epochs.endOf(4, 7, 30)).toEqual({ leaderEpoch: 2, endOffset: 10 });
    expect(epochs.endOf(6, 7, 30)).toEqual({ leaderEpoch: 5, endOffset: 30 });
    expect(epochs.endOf(7, 7, 30)).toEqual({ leaderEpoch: 7, endOffset: 30 });
    expect(epochs.endOf(8, 7, 30)).toEqual({ leaderEpoch: -1, endOffset: -1 });
  });

  test("forget what was cut away, and an epoch that wrote nothing", () => {
    const epochs = new LeaderEpochs([
      { epoch: 1, startOffset: 0 },
      { epoch: 2, startOffset: 10 },
    ]);
    expect(epochs.truncate(10)).toBe(true);
    expect(epochs.starts).toEqual([{ epoch: 1, startOffset: 0 }]);
    epochs.note(3, 8);
    epochs.note(4, 8);
    expect(epochs.starts).toEqual([
      { epoch: 1, startOffset: 0 },
      { epoch: 4, startOffset: 8 },
    ]);
    expect(decodeEpochs(encodeEpochs(epochs.starts))).toEqual(epochs.starts);
    expect(decodeEpochs("0\n5\n1 0\n")).toBeUndefined();
  });
});
