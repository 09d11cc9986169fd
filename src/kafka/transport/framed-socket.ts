import { connect as connectPlain, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { FrameCollector } from "./frame-collector.js";

const KEEP_ALIVE_MS = 60_000;
/**
 * Every socket of this thread reads into it: Node hands the bytes over before the next socket reads. One for each would
 * cost a worker with thousands of connections more than all else, and V8 would collect garbage because of them.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

export interface FramedSocketOptions {
  readonly host: string;
  readonly port: number;
  /** Null: plain text. */
  readonly ssl: ConnectionOptions | null;
  readonly onConnect: () => void;
}

/**
 * A socket to a broker that emits `data` once for each whole frame. It reuses the read buffer: with a new chunk for
 * each read, and another for the joined frame, a consumer's garbage is three times its fetched bytes, and V8 sees
 * little reason to collect it.
 */
export function openFramedSocket({ host, port, ssl, onConnect }: FramedSocketOptions): Socket {
  const frames = new FrameCollector((frame) => socket.emit("data", frame));
  const onread = {
    buffer: READ_BUFFER,
    callback: (count: number, bytes: Uint8Array) => {
      frames.push(bytes.subarray(0, count));
      return true;
    },
  };
  // `tls.connect` accepts `onread`, too, but its types omit it.
  const target = { host, port, onread };
  const socket: Socket = ssl
    ? connectTls({ ...target, ...(isIP(host) === 0 && { servername: host }), ...ssl } as ConnectionOptions, onConnect)
    : connectPlain(target, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
}
