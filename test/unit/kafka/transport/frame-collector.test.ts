import { expect, test } from "vitest";
import { FrameCollector } from "../../../../src/kafka/transport/frame-collector.js";

function frame(text: string): Buffer {
  const frame = Buffer.alloc(4 + Buffer.byteLength(text));
  frame.writeInt32BE(frame.length - 4);
  frame.write(text, 4);
  return frame;
}

/** Pushes `bytes` in pieces of `size`, all through the same memory, which is overwritten after each. */
function collect(bytes: Buffer, size: number): Buffer[] {
  const frames: Buffer[] = [];
  const collector = new FrameCollector((each) => frames.push(each));
  const memory = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const count = bytes.copy(memory, 0, at, at + size);
    collector.push(memory.subarray(0, count));
    memory.fill(0xff);
  }
  return frames;
}

test.each([1, 2, 3, 4, 5, 7, 64, 1024])("frames are whole and include their size, read %i bytes at a time", (size) => {
  const sent = ["first", "", "x".repeat(300), "ä🙂", "last"].map(frame);
  expect(collect(Buffer.concat(sent), size)).toEqual(sent);
});

test("an incomplete frame is not emitted", () => {
  expect(collect(frame("12345").subarray(0, 8), 64)).toEqual([]);
});

test("a frame of 40 MiB is whole", () => {
  const large = frame("0123456789abcdef".repeat(2.5 * 2 ** 20));
  const [got, ...more] = collect(large, 64 * 1024);
  expect(more).toEqual([]);
  expect(got!.equals(large)).toBe(true);
});

test("a frame that announces two gigabytes takes no more than 16 MiB before they arrive", () => {
  const collector = new FrameCollector(() => expect.unreachable());
  const before = process.memoryUsage().arrayBuffers;
  collector.push(Buffer.from("7fffffff00", "hex"));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(17 * 2 ** 20);
});

test("a negative size is a frame without content, which its receiver refuses", () => {
  expect(collect(Buffer.from("ffffffff", "hex"), 4)).toEqual([Buffer.from("ffffffff", "hex")]);
});
