// Files and folders that were dropped or chosen, with their paths. A folder is read by the browser piece by piece.

export interface Dropped {
  /** Below the album, with `/`. */
  path: string;
  file: File;
}

/** More is a mistake: somebody dropped their disk. Point to the folder instead; nothing is copied then. */
export const FILES_MAX = 20_000;

/** What is never meant when a folder of pictures is dropped. */
const IGNORED = /^(\..*|Thumbs\.db|desktop\.ini)$/i;

/** All files of a drop. It has to be called while the event is handled: afterwards the browser forgets what it was. */
export async function droppedFiles(data: DataTransfer): Promise<Dropped[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  // What was dragged out of another page has files and no entries.
  if (entries.length === 0) return [...data.files].map((file) => ({ path: file.name, file }));
  const found: Dropped[] = [];
  // One folder alone is the album itself; beside others it is a folder in it.
  const only = entries.length === 1 ? entries[0] : undefined;
  if (only?.isDirectory) {
    for (const entry of await children(only as FileSystemDirectoryEntry)) await walk(entry, "", found);
  } else {
    for (const entry of entries) await walk(entry, "", found);
  }
  return found;
}

/** The name of the one folder that was dropped, for an album of that name. */
export function droppedName(data: DataTransfer): string | null {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry());
  return entries.length === 1 && entries[0]?.isDirectory ? entries[0].name : null;
}

/** Files of a file field; of one for folders, below the folder that was chosen. */
export function chosenFiles(files: FileList): Dropped[] {
  return [...files]
    .map((file) => ({ file, path: file.webkitRelativePath.split("/").slice(1).join("/") || file.name }))
    .filter(({ path }) => !path.split("/").some((part) => IGNORED.test(part)))
    .slice(0, FILES_MAX);
}

async function walk(entry: FileSystemEntry, below: string, found: Dropped[]): Promise<void> {
  if (found.length >= FILES_MAX || IGNORED.test(entry.name)) return;
  const path = below === "" ? entry.name : `${below}/${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({ path, file });
  } else {
    for (const child of await children(entry as FileSystemDirectoryEntry)) await walk(child, path, found);
  }
}

/** All of a folder: a reader gives about a hundred at a time, and an empty piece at the end. */
async function children(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const piece = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (piece.length === 0) return all;
    all.push(...piece);
  }
}
