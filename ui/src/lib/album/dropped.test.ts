import { expect, test } from "vitest";
import { count } from "../text/format";
import { chosenFiles, droppedFiles, FILES_MAX, NOTHING } from "./dropped";
import { Looking } from "./looking.svelte";

type Tree = { [name: string]: Tree | File | null };

/** What a browser makes of a file, or of a folder, that was dropped; null is what it cannot read. */
function entry(name: string, is: Tree | File | null): FileSystemEntry {
  const isFile = is === null || is instanceof File;
  const file = (resolve: (file: File) => void, reject: (error: Error) => void) =>
    is instanceof File ? resolve(is) : reject(new DOMException("unreadable", "NotReadableError"));
  const createReader = () => {
    const left = isFile ? [] : Object.entries(is).map(([name, is]) => entry(name, is));
    return { readEntries: (resolve: (piece: FileSystemEntry[]) => void) => resolve(left.splice(0, 100)) };
  };
  return { name, isFile, isDirectory: !isFile, file, createReader } as unknown as FileSystemEntry;
}

const dataOf = (tree: Tree) =>
  ({
    items: Object.entries(tree).map(([name, is]) => ({ webkitGetAsEntry: () => entry(name, is) })),
    files: [],
  }) as unknown as DataTransfer;
const drop = async (tree: Tree) => (await droppedFiles(dataOf(tree))) ?? NOTHING;

const file = new File(["x"], "x");

test("a folder that is dropped alone is the album itself, without what is never meant", async () => {
  const { files, leftOut } = await drop({
    Summer: { "a.jpg": file, ".DS_Store": file, Day1: { "b.jpg": file } },
  });
  expect(files.map(({ path }) => path)).toEqual(["a.jpg", "Day1/b.jpg"]);
  expect(leftOut).toEqual([]);
});

test("a folder that goes into an album stays a folder in it, dropped or chosen", async () => {
  const taken = await droppedFiles(
    dataOf({ Day3: { "a.jpg": file, Evening: { "b.jpg": file } } }),
    null,
    true,
  );
  expect(taken?.files.map(({ path }) => path)).toEqual(["Day3/a.jpg", "Day3/Evening/b.jpg"]);
  const chosen = ["Day3/a.jpg", "Day3/.hidden/b.jpg", "Day3/Evening/c.jpg"].map((path) => ({
    name: path.split("/").at(-1),
    webkitRelativePath: path,
  })) as unknown as FileList;
  const paths = (isInto: boolean) => chosenFiles(chosen, isInto).files.map(({ path }) => path);
  expect(paths(true)).toEqual(["Day3/a.jpg", "Day3/Evening/c.jpg"]);
  expect(paths(false)).toEqual(["a.jpg", "Evening/c.jpg"]);
});

test("a drop that is ended is nothing, and is read no further", async () => {
  const looking = new Looking("reading");
  let read = 0;
  const tree = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${at}.jpg`, file]));
  const data = dataOf({ All: tree });
  const count = looking.reach.bind(looking);
  looking.reach = (found) => {
    read = found;
    count(found);
    if (found === 50) looking.stop();
  };
  expect(await droppedFiles(data, looking)).toBeNull();
  expect(read).toBe(50);
});

test("what cannot be read is left out and told, and the rest is there", async () => {
  const { files, leftOut } = await drop({
    "a.jpg": null,
    Day1: { "b.jpg": file, "c.jpg": null },
    "d.jpg": file,
  });
  expect(files.map(({ path }) => path)).toEqual(["Day1/b.jpg", "d.jpg"]);
  expect(leftOut).toEqual(["2 files or folders could not be read and are left out, among them a.jpg"]);
});

test("more than can be meant is cut, and told; just as much is not", async () => {
  const many = (count: number): Tree =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`${at}.jpg`, file]));
  const all = await drop({ All: many(FILES_MAX) });
  expect([all.files.length, all.leftOut]).toEqual([FILES_MAX, []]);
  const { files, leftOut } = await drop({ All: many(FILES_MAX + 1) });
  expect(files).toHaveLength(FILES_MAX);
  expect(leftOut).toEqual([expect.stringContaining(`only the first ${count(FILES_MAX)} are taken`)]);
});
