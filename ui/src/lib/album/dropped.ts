// Files and folders that were dropped or chosen, with their paths. A folder is read by the browser piece by piece.

import { safeName } from "../text/safe";
import { t } from "../text/strings";
import type { Looking } from "./looking.svelte";

export interface Dropped {
  /** Below the album, with `/`. */
  path: string;
  file: File;
}

/** What is taken of a drop or a choice. */
export interface Taken {
  files: Dropped[];
  /** What is not, and why, in words. */
  leftOut: string[];
}

export const NOTHING: Taken = { files: [], leftOut: [] };

/** More is a mistake: somebody dropped their disk. Point to the folder instead; nothing is copied then. */
export const FILES_MAX = 20_000;

/** What is never meant when a folder of pictures is dropped. */
const IGNORED = /^(\..*|Thumbs\.db|desktop\.ini)$/i;

/** What is found, as far as it can be read and is not too much. */
class Found {
  #files: Dropped[] = [];
  #isCut = false;
  #unread: string[] = [];

  constructor(private readonly looking: Looking | null) {}

  /** Nobody waits for it any more. */
  get isStopped(): boolean {
    return this.looking?.isStopped ?? false;
  }

  /** Whether one more is taken; where not, that is told in the end. */
  hasRoom(): boolean {
    if (this.#files.length < FILES_MAX) return true;
    this.#isCut = true;
    return false;
  }

  add(path: string, file: File): void {
    if (!this.hasRoom()) return;
    this.#files.push({ path, file });
    this.looking?.reach(this.#files.length);
  }

  /** Reads something of it; what cannot be read is left out, and the rest goes on. */
  async read<T>(path: string, reading: Promise<T>): Promise<T | null> {
    try {
      return await reading;
    } catch {
      this.#unread.push(path);
      return null;
    }
  }

  taken(): Taken | null {
    if (this.isStopped) return null;
    const leftOut: string[] = [];
    if (this.#isCut) leftOut.push(t.dropped.cut(FILES_MAX));
    const [first] = this.#unread;
    if (first !== undefined) leftOut.push(t.dropped.unread(this.#unread.length, safeName(first)));
    return { files: this.#files, leftOut };
  }
}

/**
 * All files of a drop, or null where that was stopped. It has to be called while the event is handled: afterwards the browser forgets what it
 * was. `isInto`: they go into what is there, where a folder stays one.
 */
export async function droppedFiles(
  data: DataTransfer,
  looking: Looking | null = null,
  isInto = false,
): Promise<Taken | null> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found = new Found(looking);
  // What was dragged out of another page has files and no entries.
  if (entries.length === 0) for (const file of data.files) found.add(file.name, file);
  // One folder alone is the new album itself; beside others it is a folder in it.
  const only = entries.length === 1 && !isInto ? entries[0] : undefined;
  if (only?.isDirectory) await walkInto(only as FileSystemDirectoryEntry, "", found);
  else for (const entry of entries) await walk(entry, "", found);
  return found.taken();
}

/** The name of the one folder that was dropped, for an album of that name. */
export function droppedName(data: DataTransfer): string | null {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry());
  return entries.length === 1 && entries[0]?.isDirectory ? entries[0].name : null;
}

/** Files of a file field; of one for folders, below the folder that was chosen. `isInto`: in that folder. */
export function chosenFiles(files: FileList, isInto = false): Taken {
  const found = new Found(null);
  for (const file of files) {
    const parts = file.webkitRelativePath.split("/");
    const below = parts.slice(1);
    const path = (isInto ? parts : below).join("/") || file.name;
    if (!below.some((part) => IGNORED.test(part)) && !IGNORED.test(file.name)) found.add(path, file);
  }
  return found.taken() ?? NOTHING;
}

async function walk(
  entry: FileSystemEntry,
  below: string,
  found: Found,
  reading = read(entry),
): Promise<void> {
  if (IGNORED.test(entry.name) || found.isStopped || !found.hasRoom()) return;
  const path = below === "" ? entry.name : `${below}/${entry.name}`;
  if (entry.isDirectory) return walkInto(entry as FileSystemDirectoryEntry, path, found);
  const file = await found.read(path, reading);
  if (file) found.add(path, file);
}

/** Asks for a file; for nothing where there is none, or none is wanted. */
function read(entry: FileSystemEntry): Promise<File | null> {
  if (!entry.isFile || IGNORED.test(entry.name)) return Promise.resolve(null);
  const reading = new Promise<File>((resolve, reject) =>
    (entry as FileSystemFileEntry).file(resolve, reject),
  );
  // Whoever stops does not hear of it.
  reading.catch(() => undefined);
  return reading;
}

/** All of a folder: a reader gives about a hundred at a time, and an empty piece at the end. */
async function walkInto(folder: FileSystemDirectoryEntry, path: string, found: Found): Promise<void> {
  const reader = folder.createReader();
  for (;;) {
    const reading = new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    const piece = await found.read(path === "" ? folder.name : path, reading);
    if (!piece || piece.length === 0 || found.isStopped) return;
    // Asked for one after the other, thousands of files take minutes on a busy machine.
    const asked = piece.map((entry) => [entry, read(entry)] as const);
    for (const [entry, reading] of asked) await walk(entry, path, found, reading);
  }
}
