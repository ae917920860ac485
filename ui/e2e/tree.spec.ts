// Folders that are dropped and chosen as they lie on a disk: what lies in them keeps its place, and arrives to the last byte.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { dropPaths, makePicture } from "./pictures";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let ann: Page;
let bob: Page;
let disk: string;

/** What lies below a folder: by path, a hash of each file. */
async function contents(folder: string): Promise<Record<string, string>> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hashed = files.map(async (path) => {
    const hash = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    return [path.slice(folder.length + 1), hash] as const;
  });
  return Object.fromEntries((await Promise.all(hashed)).toSorted());
}

async function put(path: string, bytes: Buffer | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  ann = await world.person("ann").browser(browser);
  bob = await world.person("bob").browser(browser);
  disk = join(world.folder, "disk");
  const picture = async (seed: number) => (await makePicture(ann, "", seed)).buffer;
  // More than a browser reads of a folder at a time, the same name in two places, deep down, empty, and of no kind.
  await put(join(disk, "Tour", "map.jpg"), await picture(1));
  await put(join(disk, "Tour", "Day 1", "IMG_1.jpg"), await picture(2));
  await put(join(disk, "Tour", "Day 2", "IMG_1.jpg"), await picture(3));
  await put(join(disk, "Tour", "Day 2", "träck & <b>", "gps", "track.bin"), Buffer.alloc(100_000, 7));
  await put(join(disk, "Tour", "Day 2", "empty.txt"), "");
  for (let at = 0; at < 130; at += 1) await put(join(disk, "Tour", "notes", `${at}.txt`), `note ${at}`);
  await put(join(disk, "Hut", "rooms", "bed.jpg"), await picture(4));
  await put(join(disk, "Hut", "key.txt"), "below the mat");
});
test.afterAll(() => world?.end());

/** Bob downloads all of an album of Ann's, which he may have had when it was smaller; what he has then. */
async function downloaded(
  name: string,
  into: string,
  files: number,
  isNewer = false,
): Promise<Record<string, string>> {
  // Most of what is in them are no pictures.
  await bob.goto(`${new URL(bob.url()).origin}/#/files`);
  const card = bob.getByRole("link", { name: new RegExp(`${name}.*${files} files`) });
  await card.click({ timeout: 60_000 });
  if (isNewer) {
    await bob.getByRole("button", { name: "Update" }).click();
    await bob.getByRole("button", { name: "All of it, elsewhere…" }).click();
  } else {
    await bob.getByRole("button", { name: "Download all" }).click();
  }
  await bob.getByLabel("Into this folder").fill(join(world.folder, into));
  await bob.getByRole("dialog").getByRole("button", { name: "Download", exact: true }).click();
  const target = join(world.folder, into, name);
  await expect
    .poll(async () => (await readdir(target).catch(() => [])).length, { timeout: 60_000 })
    .toBeGreaterThan(0);
  return contents(target);
}

test("a folder that is dropped becomes an album of its name, with all its folders", async () => {
  await dropPaths(ann, ann.getByRole("heading", { name: "Albums", level: 1 }), [join(disk, "Tour")]);
  const dialog = ann.getByRole("dialog", { name: "New album" });
  await expect(dialog.getByText(/^135 files ·/)).toBeVisible({ timeout: 60_000 });
  await expect(dialog.getByLabel("Name", { exact: true })).toHaveValue("Tour");
  await dialog.getByRole("button", { name: "Share", exact: true }).click();
  await expect(ann.getByRole("heading", { name: "Tour", level: 1 })).toBeVisible();
  for (const folder of ["Day 1", "Day 2", "notes"])
    await expect(ann.getByRole("link", { name: folder })).toBeVisible();
  await expect(ann.getByText(/^135 files · /)).toBeVisible({ timeout: 60_000 });
  expect(await downloaded("Tour", "first", 135)).toEqual(await contents(join(disk, "Tour")));
});

test("a folder that is dropped on an album, or chosen for it, is a folder in it", async () => {
  await dropPaths(ann, ann.getByRole("heading", { name: "Tour", level: 1 }), [join(disk, "Hut")]);
  const dialog = ann.getByRole("dialog");
  await dialog.getByRole("button", { name: "Add them" }).click();
  await expect(ann.getByRole("link", { name: "Hut" })).toBeVisible({ timeout: 30_000 });
  await expect(ann.getByText(/^137 files · /)).toBeVisible({ timeout: 30_000 });

  await put(join(disk, "Boat", "sails", "jib.txt"), "torn");
  await put(join(disk, "Boat", "crew.txt"), "ann, bob");
  const choosing = ann.waitForEvent("filechooser");
  await ann.getByRole("button", { name: "More for Tour" }).click();
  await ann.getByRole("menuitem", { name: "Add a folder" }).click();
  await (await choosing).setFiles(join(disk, "Boat"));
  await dialog.getByRole("button", { name: "Add them" }).click();
  await expect(ann.getByRole("link", { name: "Boat" })).toBeVisible({ timeout: 30_000 });
  await expect(ann.getByText(/^139 files · /)).toBeVisible({ timeout: 30_000 });

  const [tour, hut, boat] = await Promise.all(
    ["Tour", "Hut", "Boat"].map((name) => contents(join(disk, name))),
  );
  const below = (folder: string, all: Record<string, string> = {}) =>
    Object.fromEntries(Object.entries(all).map(([path, hash]) => [`${folder}/${path}`, hash]));
  expect(await downloaded("Tour", "second", 139, true)).toEqual({
    ...tour,
    ...below("Hut", hut),
    ...below("Boat", boat),
  });
});

test("a folder that is chosen is shared as it is", async () => {
  await ann.goto(`${new URL(ann.url()).origin}/#/albums`);
  await ann.getByRole("button", { name: "New album" }).click();
  const dialog = ann.getByRole("dialog", { name: "New album" });
  const choosing = ann.waitForEvent("filechooser");
  await dialog.getByRole("button", { name: "Choose a folder" }).click();
  await (await choosing).setFiles(join(disk, "Hut"));
  await expect(dialog.getByText(/^2 files ·/)).toBeVisible();
  await expect(dialog.getByLabel("Name", { exact: true })).toHaveValue("Hut");
  await dialog.getByRole("button", { name: "Share", exact: true }).click();
  await expect(ann.getByText(/^2 files · /)).toBeVisible({ timeout: 30_000 });
  expect(await downloaded("Hut", "third", 2)).toEqual(await contents(join(disk, "Hut")));
});
