// Pictures that say where they were taken: told before they are shared, and shared without.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { drop, makePicture, type Picture } from "./pictures";
import { isSound, shine } from "./sound";
import { World } from "./world";

const PLACE = "52.5200 N, 13.4050 E";

/** The same picture, with EXIF that has the directory of a place. */
function takenSomewhere({ name, mimeType, buffer }: Picture): Picture {
  const entry = Buffer.from("8825000400000001000000", "hex");
  const tiff = Buffer.concat([
    Buffer.from("4d4d002a000000080001", "hex"),
    entry,
    Buffer.from([26, 0, 0, 0, 0]),
    // North and east, in degrees, minutes and seconds (CIPA DC-008, section 4.6.6).
    Buffer.from("0004", "hex"),
    Buffer.from("0001000200000002" + "4e000000" + "0002000500000003" + "00000050", "hex"),
    Buffer.from("0003000200000002" + "45000000" + "0004000500000003" + "00000068" + "00000000", "hex"),
    ...[52, 31, 12, 13, 24, 18].map((part) => Buffer.from([0, 0, 0, part, 0, 0, 0, 1])),
  ]);
  const content = Buffer.concat([Buffer.from("Exif\0\0"), tiff, Buffer.from(PLACE)]);
  const head = Buffer.from([0xff, 0xe1, 0, content.length + 2]);
  return {
    name,
    mimeType,
    buffer: Buffer.concat([buffer.subarray(0, 2), head, content, buffer.subarray(2)]),
  };
}

test("a place that XMP alone tells is named as well, dropped or on the disk", async ({ browser }) => {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const ann = await world.person("ann").browser(browser);
    const { buffer, ...about } = await makePicture(ann, "IMG_1.jpg", 1);
    const rio =
      '<x:xmpmeta><rdf:Description exif:GPSLatitude="22,54.6S" exif:GPSLongitude="43,12,0W"/></x:xmpmeta>';
    const content = Buffer.from(`http://ns.adobe.com/xap/1.0/\0${rio}`);
    const head = Buffer.from([0xff, 0xe1, 0, content.length + 2]);
    const picture = {
      ...about,
      buffer: Buffer.concat([buffer.subarray(0, 2), head, content, buffer.subarray(2)]),
    };
    const open = async () => {
      await ann.goto(`${new URL(ann.url()).origin}/#/albums`);
      await ann.reload();
      await expect(ann.getByRole("heading", { name: "Albums", level: 1 })).toBeVisible();
    };
    const which = ann.getByRole("dialog").getByRole("listitem");
    await open();
    await drop(ann, ann.getByRole("heading", { name: "Albums", level: 1 }), [picture]);
    await expect(which).toHaveText(/IMG_1\.jpg\s*22\.9100° S 43\.2000° W/);
    const folder = join(world.folder, "rio");
    await mkdir(folder);
    await writeFile(join(folder, "IMG_1.jpg"), picture.buffer);
    await open();
    await ann.getByRole("button", { name: "New album" }).click();
    await ann.getByRole("dialog").getByRole("radio", { name: "A folder on this disk" }).check();
    await ann.getByRole("dialog").getByLabel("Path of the folder").fill(folder);
    await expect(which).toHaveText(/IMG_1\.jpg\s*22\.9100° S 43\.2000° W/);
  } finally {
    await world.end();
  }
});

test("where pictures were taken is told before they are shared, and left out", async ({ browser }, info) => {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const ann = await world.person("ann").browser(browser);
    const picture = takenSomewhere(await makePicture(ann, "IMG_1.jpg", 1));
    const other = await makePicture(ann, "IMG_2.jpg", 2);
    const albums = ann.getByRole("heading", { name: "Albums", level: 1 });
    await drop(ann, albums, [picture, other]);
    const dialog = ann.getByRole("dialog");
    await expect(dialog.getByText("1 of 2 pictures and films says where it was taken:")).toBeVisible();
    // Which, as people know it, and where that is.
    const which = dialog.getByRole("listitem");
    await expect(which).toHaveCount(1);
    await expect(which).toHaveText(/IMG_1\.jpg\s*52.5200° N 13.4050° E/);
    const shown = which.locator("img");
    await expect
      .poll(() => shown.evaluate((image: HTMLImageElement) => image.naturalWidth))
      .toBeGreaterThan(0);
    for (const colorScheme of ["light", "dark"] as const) {
      await shine(ann, colorScheme);
      await ann.screenshot({ path: info.outputPath(`places-${colorScheme}.png`) });
      await isSound(ann, `where pictures were taken: ${colorScheme}`);
    }
    await ann.emulateMedia({ colorScheme: null });
    await dialog.getByRole("switch", { name: /Leave out/ }).check();
    await dialog.getByLabel("Name", { exact: true }).fill("Sea");
    await dialog.getByRole("button", { name: "Share", exact: true }).click();
    await expect(ann.getByRole("link", { name: /IMG_/ })).toHaveCount(2);
    await expect(ann.getByText(/without what pictures say/)).toBeVisible();
    const kept = async (album: string) =>
      readFile(join(world.person("ann").data, "albums", album, "IMG_1.jpg"));
    expect((await kept("Sea")).includes(PLACE)).toBe(false);

    // A folder that stays where it is.
    const folder = join(world.folder, "holiday");
    await mkdir(folder);
    await writeFile(join(folder, "IMG_1.jpg"), picture.buffer);
    await writeFile(join(folder, "film.mp4"), "a film");
    await ann.goto(`${new URL(ann.url()).origin}/#/albums`);
    await ann.getByRole("button", { name: "New album" }).click();
    await dialog.getByRole("radio", { name: "A folder on this disk" }).check();
    await dialog.getByLabel("Path of the folder").fill(folder);
    await expect(dialog.getByText("The one picture or film in here says where it was taken:")).toBeVisible();
    // The node looked through it, and says where that is as the browser does.
    await expect(which).toHaveText(/IMG_1\.jpg\s*52.5200° N 13.4050° E/);
    // What is left out, and what of a film cannot be.
    await expect(dialog.getByText(/write onto the pictures of a film stays/)).toBeVisible();
    await isSound(ann, "where pictures of a folder were taken");
    await dialog.getByRole("switch", { name: /Leave out/ }).check();
    await expect(dialog.getByText(/1 file of other kinds/)).toBeVisible();
    await dialog.getByRole("button", { name: "Share", exact: true }).click();
    await expect(ann.getByText(/1 file not in it/)).toBeVisible();
    expect((await readFile(join(folder, "IMG_1.jpg"))).equals(picture.buffer)).toBe(true);

    // Into an album that takes them as they are, not without asking.
    await world.person("ann").api("POST", "/albums", { name: "Town" });
    await ann.goto(`${new URL(ann.url()).origin}/#/albums`);
    await ann.getByRole("link", { name: /Town/ }).click();
    await drop(ann, ann.getByRole("heading", { name: "Town", level: 1 }), [picture]);
    await dialog.getByRole("switch", { name: /Leave out/ }).check();
    await dialog.getByRole("button", { name: "Add them" }).click();
    await expect(ann.getByRole("link", { name: "IMG_1.jpg" })).toBeVisible();
    expect((await kept("Town")).includes(PLACE)).toBe(false);

    // Nor what may say a place, and nobody can tell.
    const unknown = { name: "film.mp4", mimeType: "video/mp4", buffer: Buffer.from("a film") };
    await drop(ann, ann.getByRole("heading", { name: "Town", level: 1 }), [unknown]);
    await expect(dialog.getByText(/1 file of other kinds, such as documents/)).toBeVisible();
    await dialog.getByRole("button", { name: "Add them" }).click();
    await expect(ann.getByRole("link", { name: "film.mp4" })).toBeVisible();

    // Files of any kind that are chosen, and folders of them, are asked about like those that are dropped.
    let choosing = ann.waitForEvent("filechooser");
    await ann.getByRole("button", { name: "Add files" }).click();
    const chooser = await choosing;
    expect(await chooser.element().getAttribute("accept")).toBeNull();
    await chooser.setFiles({ name: "menu.txt", mimeType: "text/plain", buffer: Buffer.from("fish") });
    await expect(dialog.getByText(/1 file of other kinds/)).toBeVisible();
    await dialog.getByRole("button", { name: "Add them" }).click();
    await expect(ann.getByText("menu.txt")).toBeVisible();
    const more = join(world.folder, "more");
    await mkdir(join(more, "Day 1"), { recursive: true });
    await writeFile(join(more, "Day 1", "IMG_1.jpg"), picture.buffer);
    choosing = ann.waitForEvent("filechooser");
    await ann.getByRole("button", { name: "More for Town" }).click();
    await ann.getByRole("menuitem", { name: "Add a folder" }).click();
    await (await choosing).setFiles(more);
    await expect(dialog.getByText("The one picture or film in here says where it was taken:")).toBeVisible();
    await dialog.getByRole("button", { name: "Add them" }).click();
    await ann.getByRole("link", { name: /more/ }).click();
    await expect(ann.getByRole("link", { name: /Day 1/ })).toBeVisible();
  } finally {
    await world.end();
  }
});
