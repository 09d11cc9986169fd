import { basename, dirname } from "node:path";
import type { Disk, DiskSpace, FolderEntry, OpenMode } from "../../src/base/files/disk.js";
import type { Random } from "../../src/base/random.js";

/** A file's content now, and the part of it that a power cut does not touch. */
interface FileNode {
  kind: "file";
  now: Buffer;
  durable: Buffer;
  /** Writes and truncations since the last sync, oldest first. */
  pending: Change[];
  modifiedMs: number;
}

interface FolderNode {
  kind: "folder";
  readonly now: Map<string, Node>;
  /** What a power cut does not touch. */
  readonly durable: Map<string, Node>;
}

type Node = FileNode | FolderNode;

type Change =
  | { readonly kind: "write"; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "size"; readonly size: number };

/** One change of a folder's entries. */
interface EntryChange {
  readonly folder: FolderNode;
  readonly set: readonly (readonly [name: string, node: Node | undefined])[];
}

/** The power failed at this call; every later call fails, too, until `restart`. */
class PowerCutError extends Error {
  override readonly name = "PowerCutError";
}

/** A fault to inject: `at` counts the calls that change or force something, from 1. It hits `lasts` calls, or one. */
export interface DiskFault {
  readonly at: number;
  readonly lasts?: number;
  readonly kind: "cut" | "EIO" | "ENOSPC";
}

/**
 * In which order changes of folders reach the disk: all in theirs, as in the journals of ext4, XFS and APFS, where the
 * sync of one folder forces what came before in others; or only those of each name, which POSIX leaves open.
 */
export type FolderOrder = "journal" | "by name";

/**
 * A disk in memory that loses at a power cut what was not forced to it: any suffix of the changes to folders, or of those
 * to each name, and of each file any subset of its writes, the last one torn. It can fail at a chosen call. A failed sync takes the written
 * pages for clean, as Linux does: they are readable, and no later sync writes them.
 */
export class MemoryDisk implements Disk {
  #root = emptyFolder();
  /** Changes of folders that are not forced to disk, oldest first. */
  #journal: EntryChange[] = [];
  readonly #open = new Map<number, { readonly path: string; readonly node: Node }>();
  #nextFd = 3;
  #calls = 0;
  #isCut = false;
  /** The fault to come; undefined: none. */
  fault: DiskFault | undefined;
  /** All calls of one kind fail from now on, for paths that match. */
  broken: { readonly call: "write" | "sync"; readonly path: RegExp; readonly code: "EIO" | "ENOSPC" } | undefined;
  /** Bytes that all files together may take. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Bytes read from files, and written to them. */
  readBytes = 0;
  writtenBytes = 0;
  /** Called for every sync of a file or folder. */
  onSync: ((path: string) => void) | undefined;
  /** When set, syncs in the background wait for it. */
  gate: Promise<void> | undefined;

  constructor(
    private readonly random: Random,
    private readonly order: FolderOrder = "journal",
  ) {}

  /** Calls so far that change or force something. */
  get calls(): number {
    return this.#calls;
  }

  /** Whether calls may fail: by the fault to come, or as the disk fills up. */
  get isFaulty(): boolean {
    return this.fault !== undefined || Number.isFinite(this.capacityBytes);
  }

  /** Leaves room for that many bytes more. */
  fillUpTo(freeBytes: number): void {
    this.capacityBytes = this.#usedBytes() + freeBytes;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Descriptors that are open. */
  get openFiles(): readonly string[] {
    return [...this.#open.values()].map(({ path }) => path);
  }

  /** Cuts the power, if that has not happened, and turns it on again: only what the disk holds is left. */
  restart(): void {
    for (const change of this.#survived()) apply(change, "durable");
    this.#journal = [];
    this.#root = this.#folderAfterCut(this.#root, new Map());
    this.#reset();
  }

  /** Ends the process without losing what the operating system has, as `kill -9` does. */
  kill(): void {
    this.#reset();
  }

  open(path: string, mode: OpenMode): number {
    const known = this.#find(path);
    if (known?.kind === "folder" || (!known && mode === "read")) throw this.#error("ENOENT", path);
    if (!known || mode === "replace") this.#step("write", path);
    else if (this.#isCut) throw new PowerCutError(path);
    let node = known;
    if (!node) {
      const folder = this.#folder(dirname(path));
      node = { kind: "file", now: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [], modifiedMs: 0 };
      this.#change({ folder, set: [[basename(path), node]] });
    } else if (mode === "replace" && node.kind === "file") {
      change(node, { kind: "size", size: 0 });
    }
    const fd = this.#nextFd++;
    this.#open.set(fd, { path, node });
    return fd;
  }

  close(fd: number): void {
    if (!this.#open.delete(fd) && !this.#isCut) throw this.#error("EBADF", String(fd));
  }

  read(fd: number, target: Buffer, at: number, length: number, position: number): number {
    const { now } = this.#file(fd);
    const read = now.copy(target, at, position, Math.min(now.length, position + length));
    this.readBytes += read;
    return read;
  }

  write(fd: number, source: Buffer, at: number, length: number, position: number): number {
    const file = this.#file(fd);
    const bytes = Buffer.from(source.subarray(at, at + length));
    const { path } = this.#open.get(fd)!;
    try {
      this.#step("write", path);
    } catch (error) {
      // A part of it was written.
      const part = bytes.subarray(0, this.#pick(bytes.length + 1));
      change(file, { kind: "write", at: position, bytes: part });
      throw error;
    }
    const fitting = Math.min(length, this.#roomAt(file, position));
    // A part that still fits is written, and the next call fails.
    if (fitting <= 0) throw this.#error("ENOSPC", path);
    const written = fitting > 1 && this.#pick(10) === 0 ? 1 + this.#pick(fitting - 1) : fitting;
    change(file, { kind: "write", at: position, bytes: bytes.subarray(0, written) });
    this.writtenBytes += written;
    return written;
  }

  truncate(fd: number, size: number): void {
    const file = this.#file(fd);
    this.#step("write", this.#open.get(fd)!.path);
    change(file, { kind: "size", size });
  }

  size(fd: number): number {
    return this.#file(fd).now.length;
  }

  sync(fd: number): void {
    const file = this.#file(fd);
    this.#forced(file, this.#open.get(fd)!.path, file.pending.length);
  }

  async syncLater(fd: number): Promise<void> {
    const file = this.#file(fd);
    const { path } = this.#open.get(fd)!;
    const last = file.pending.at(-1);
    await this.gate;
    await Promise.resolve();
    if (!this.#open.has(fd) && !this.#isCut) throw new Error(`${path} was closed during a sync`);
    this.#forced(file, path, last ? file.pending.indexOf(last) + 1 : 0);
  }

  syncFolder(path: string): void {
    const folder = this.#folder(path);
    this.#step("sync", path);
    this.#forceFolder(folder, this.#journal.length);
  }

  async syncFolderLater(path: string): Promise<void> {
    const folder = this.#folder(path);
    const last = this.#journal.at(-1);
    await this.gate;
    await Promise.resolve();
    this.#step("sync", path);
    this.#forceFolder(folder, last ? this.#journal.indexOf(last) + 1 : 0);
  }

  readFile(path: string): Buffer | undefined {
    if (this.#isCut) throw new PowerCutError(path);
    const node = this.#find(path);
    return node?.kind === "file" ? Buffer.from(node.now) : undefined;
  }

  rename(from: string, to: string): void {
    const node = this.#find(from);
    if (!node) throw this.#error("ENOENT", from);
    if (dirname(from) !== dirname(to)) throw new Error(`${from} is renamed to another folder: ${to}`);
    this.#step("write", to);
    const set = [[basename(from), undefined] as const, [basename(to), node] as const];
    this.#change({ folder: this.#folder(dirname(from)), set });
  }

  remove(path: string): void {
    if (this.#isCut) throw new PowerCutError(path);
    if (!this.#find(path)) return;
    this.#step("write", path);
    this.#change({ folder: this.#folder(dirname(path)), set: [[basename(path), undefined]] });
  }

  async removeLater(path: string): Promise<void> {
    await this.gate;
    await Promise.resolve();
    this.remove(path);
  }

  list(path: string): FolderEntry[] {
    return [...this.#folder(path).now].map(([name, { kind }]) => ({ name, isFolder: kind === "folder" }));
  }

  makeFolder(path: string): string | undefined {
    if (this.#find(path)) return undefined;
    const above = this.makeFolder(dirname(path));
    this.#step("write", path);
    this.#change({ folder: this.#folder(dirname(path)), set: [[basename(path), emptyFolder()]] });
    return above ?? path;
  }

  removeFolder(path: string): void {
    const node = this.#find(path);
    if (node?.kind === "folder") for (const name of node.now.keys()) this.removeFolder(`${path}/${name}`);
    this.remove(path);
  }

  modifiedMs(path: string): number {
    const node = this.#find(path);
    if (node?.kind !== "file") throw this.#error("ENOENT", path);
    return node.modifiedMs;
  }

  setModifiedMs(path: string, ms: number): void {
    const node = this.#find(path);
    if (node?.kind === "file") node.modifiedMs = ms;
  }

  async space(): Promise<DiskSpace> {
    return { freeBytes: this.capacityBytes, totalBytes: this.capacityBytes };
  }

  /** The changes of folders that a power cut does not take. */
  #survived(): EntryChange[] {
    if (this.order === "journal") return this.#journal.slice(0, this.#pick(this.#journal.length + 1));
    return this.#survivedByName();
  }

  #survivedByName(): EntryChange[] {
    const lost = new Map<FolderNode, Set<string>>();
    const luck = this.#pick(4);
    return this.#journal.filter(({ folder, set }) => {
      const names = lost.get(folder) ?? new Set<string>();
      lost.set(folder, names);
      const survives = set.every(([name]) => !names.has(name)) && this.#pick(4) <= luck;
      if (!survives) for (const [name] of set) names.add(name);
      return survives;
    });
  }

  /** Forces the first changes of the journal to disk. */
  #forceFolder(folder: FolderNode, covered: number): void {
    const isForced = (change: EntryChange, at: number) => {
      return at < covered && (this.order === "journal" || change.folder === folder);
    };
    for (const change of this.#journal.filter(isForced)) apply(change, "durable");
    this.#journal = this.#journal.filter((change, at) => !isForced(change, at));
  }

  /** @param files those that other names have led to. */
  #folderAfterCut({ durable }: FolderNode, files: Map<FileNode, FileNode>): FolderNode {
    const left = [...durable].map(([name, node]): [string, Node] => {
      if (node.kind === "folder") return [name, this.#folderAfterCut(node, files)];
      const after = files.get(node) ?? this.#afterCut(node);
      files.set(node, after);
      return [name, after];
    });
    return { kind: "folder", now: new Map(left), durable: new Map(left) };
  }

  /** The content of a file after a power cut. */
  #afterCut(file: FileNode): FileNode {
    let content = file.durable;
    const keepsAll = this.#pick(4) === 0;
    for (const pending of file.pending) {
      const fate = keepsAll ? 0 : this.#pick(3);
      if (fate === 1) continue;
      const torn =
        fate === 2 && pending.kind === "write"
          ? pending.bytes.subarray(0, this.#pick(pending.bytes.length))
          : undefined;
      content = changed(content, torn && pending.kind === "write" ? { ...pending, bytes: torn } : pending);
    }
    return { kind: "file", now: content, durable: content, pending: [], modifiedMs: file.modifiedMs };
  }

  #forced(file: FileNode, path: string, covered: number): void {
    try {
      this.#step("sync", path);
    } catch (error) {
      // The pages count as clean now, but a part of them was never written.
      if (!(error instanceof PowerCutError)) {
        for (const pending of file.pending.splice(0, covered)) {
          if (this.#pick(2) === 0) file.durable = changed(file.durable, pending);
        }
      }
      throw error;
    }
    for (const pending of file.pending.splice(0, covered)) file.durable = changed(file.durable, pending);
  }

  #step(call: "write" | "sync", path: string): void {
    if (this.#isCut) throw new PowerCutError(path);
    this.#calls++;
    if (call === "sync") this.onSync?.(path);
    const { broken, fault } = this;
    if (broken?.call === call && broken.path.test(path)) throw this.#error(broken.code, path);
    if (!fault || this.#calls < fault.at || this.#calls >= fault.at + (fault.lasts ?? 1)) return;
    if (fault.kind === "cut") {
      this.#isCut = true;
      throw new PowerCutError(path);
    }
    if (fault.kind === "ENOSPC" && call === "sync") return;
    throw this.#error(fault.kind, path);
  }

  #reset(): void {
    this.#open.clear();
    this.#isCut = false;
    this.fault = undefined;
  }

  #change(entry: EntryChange): void {
    apply(entry, "now");
    this.#journal.push(entry);
  }

  #file(fd: number): FileNode {
    if (this.#isCut) throw new PowerCutError(String(fd));
    const node = this.#open.get(fd)?.node;
    if (node?.kind !== "file") throw this.#error("EBADF", String(fd));
    return node;
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split("/")) {
      if (name === "") continue;
      node = node?.kind === "folder" ? node.now.get(name) : undefined;
    }
    return node;
  }

  #folder(path: string): FolderNode {
    if (this.#isCut) throw new PowerCutError(path);
    const node = this.#find(path);
    if (node?.kind !== "folder") throw this.#error("ENOENT", path);
    return node;
  }

  /** Bytes that can be written to a file at `position`. */
  #roomAt(file: FileNode, position: number): number {
    if (!Number.isFinite(this.capacityBytes)) return Number.POSITIVE_INFINITY;
    const free = Math.max(0, this.capacityBytes - this.#usedBytes());
    return file.now.length - position + free;
  }

  #usedBytes(): number {
    return [...filesIn(this.#root, new Set())].reduce((sum, { now }) => sum + now.length, 0);
  }

  #pick(count: number): number {
    return this.random.integer(count);
  }

  #error(code: string, path: string): Error {
    return Object.assign(new Error(`${code}: ${path}`), { code, syscall: "disk", path });
  }
}

function change(file: FileNode, made: Change): void {
  file.now = changed(file.now, made);
  file.pending.push(made);
}

function changed(content: Buffer, made: Change): Buffer {
  if (made.kind === "size") {
    return made.size <= content.length
      ? content.subarray(0, made.size)
      : Buffer.concat([content, Buffer.alloc(made.size - content.length)]);
  }
  if (made.bytes.length === 0) return content;
  const end = made.at + made.bytes.length;
  const result = Buffer.alloc(Math.max(content.length, end));
  content.copy(result);
  made.bytes.copy(result, made.at);
  return result;
}

function emptyFolder(): FolderNode {
  return { kind: "folder", now: new Map(), durable: new Map() };
}

function apply({ folder, set }: EntryChange, to: "now" | "durable"): void {
  for (const [name, node] of set) {
    if (node) folder[to].set(name, node);
    else folder[to].delete(name);
  }
}

/** Adds the files of a folder and of those below it. */
function filesIn(folder: FolderNode, found: Set<FileNode>): Set<FileNode> {
  for (const node of folder.now.values()) {
    if (node.kind === "file") found.add(node);
    else filesIn(node, found);
  }
  return found;
}
