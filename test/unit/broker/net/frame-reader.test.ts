import fc from "fast-check";
import { expect, test } from "vitest";
import { EndpointError, formatEndpoint, parseEndpoint } from "../../../../src/broker/net/endpoint.js";
import { FrameMemory } from "../../../../src/broker/net/frame-memory.js";
import { FrameReader, FrameSizeError } from "../../../../src/broker/net/frame-reader.js";

function framed(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

test("frames come out as they were sent, however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (bodies, cuts) => {
        const stream = Buffer.concat(bodies.map(framed));
        const reader = new FrameReader(1000, new FrameMemory());
        const frames: Buffer[] = [];
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const length = cuts[cut % cuts.length]!;
          reader.push(stream.subarray(at, at + length));
          at += length;
          for (let frame = reader.next(); frame; frame = reader.next()) frames.push(frame);
        }
        expect(frames.map((frame) => [...frame])).toEqual(bodies.map((body) => [...body]));
        expect(reader.bufferedBytes).toBe(0);
      },
    ),
  );
});

test("memory is used again only once it is given back, and only that of a frame that was joined", () => {
  const reader = new FrameReader(1000, new FrameMemory());
  const next = (text: string, cut: number): Buffer => {
    const bytes = framed(Buffer.from(text));
    for (const part of [bytes.subarray(0, cut), bytes.subarray(cut)]) if (part.length > 0) reader.push(part);
    return reader.next()!;
  };
  const first = next("first", 6);
  const second = next("second one", 6);
  reader.release();
  const whole = next("whole", 9);
  reader.release();
  const third = next("third", 6);
  expect([first, whole, third].map(String)).toEqual(["first", "whole", "third"]);
  expect(third.buffer).toBe(second.buffer);
  expect(first.buffer).not.toBe(second.buffer);
  const fourth = next("fourth", 6);
  expect([third, fourth].map(String)).toEqual(["third", "fourth"]);
});

test("only frames whose key says that they are released are joined in shared memory, however they are cut", () => {
  const [released, kept] = [0x0102, 0x0103];
  for (let cut = 1; cut < 12; cut++) {
    const memory = new FrameMemory();
    const spare = Buffer.allocUnsafeSlow(100);
    memory.give(spare);
    const reader = new FrameReader(1000, memory, (key) => key === released);
    const next = (key: number): Buffer => {
      const bytes = framed(Buffer.from([key >> 8, key & 0xff, ...Buffer.from("body of it")]));
      for (let at = 0; at < bytes.length; at += cut) reader.push(bytes.subarray(at, at + cut));
      const frame = reader.next()!;
      reader.release();
      expect([frame.readInt16BE(0), frame.toString("utf8", 2)]).toEqual([key, "body of it"]);
      return frame;
    };
    const waiting = next(kept);
    expect(waiting.buffer).not.toBe(spare.buffer);
    expect(waiting.buffer.byteLength).toBe(16);
    expect(next(released).buffer).toBe(spare.buffer);
    expect(next(released).buffer).toBe(spare.buffer);
    expect(String(waiting.subarray(2))).toBe("body of it");
  }
});

test("a frame that is too short for a key is joined all the same", () => {
  const reader = new FrameReader(1000, new FrameMemory(), () => true);
  for (const byte of framed(Buffer.from([7]))) reader.push(Buffer.of(byte));
  expect([...reader.next()!]).toEqual([7]);
});

test("a size that is negative or too large is refused before anything is set aside for it", () => {
  for (const size of [-1, 1001, 0x7fffffff]) {
    const reader = new FrameReader(1000, new FrameMemory());
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(size);
    reader.push(bytes);
    expect(() => reader.next()).toThrow(FrameSizeError);
  }
});

test("endpoints are read with and without listener name, and printed back", () => {
  expect(parseEndpoint("127.0.0.1:9092")).toEqual({ host: "127.0.0.1", port: 9092 });
  expect(parseEndpoint("PLAINTEXT://kafka.example:0")).toEqual({ host: "kafka.example", port: 0 });
  expect(parseEndpoint("[::1]:9092")).toEqual({ host: "::1", port: 9092 });
  expect(formatEndpoint({ host: "::1", port: 1 })).toBe("[::1]:1");
  for (const wrong of ["9092", "host", "host:", "host:99999", "a:b:c:1", "host:-1"]) {
    expect(() => parseEndpoint(wrong)).toThrow(EndpointError);
  }
});
