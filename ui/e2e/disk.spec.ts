// A disk that is really full, under a node that somebody uses in a browser: each page says so, nothing is lost, and with room again it goes on.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { contents, resize, smallDisks, whyNoDisks } from "./disk";
import { drop, makePicture } from "./pictures";
import { World, type Person } from "./world";

test.describe.configure({ mode: "serial" });

/** How large the disks are at first, and then. */
const [SMALL_MIB, LARGE_MIB] = [8, 64];

/** A file for which there is no room at first. */
const LARGE = Buffer.alloc(20 << 20, "what does not fit. ");

let world: World;
let bob: Person;
let page: Page;

const albums = (folder: string) => join(folder, "data", "albums");
const received = (folder: string) => join(folder, "received");

test.beforeAll(async ({ browser }, info) => {
  const lack = await whyNoDisks(info.outputPath("disk"));
  if (lack !== null && process.env.CI) throw new Error(`no disk of one's own: ${lack}`);
  test.skip(lack !== null, lack ?? "");
  world = await World.start(["ann", "bob"], (name, folder) =>
    name === "bob" ? smallDisks(SMALL_MIB, [albums(folder), received(folder)]) : [],
  );
  await world.befriend("ann", "bob");
  bob = world.person("bob");
  const films = join(world.folder, "Films");
  await mkdir(films);
  await writeFile(join(films, "large.bin"), LARGE);
  await world.person("ann").api("POST", "/shares", { paths: [films], audience: "contacts" });
  page = await bob.browser(browser);
});
test.afterAll(() => world?.end());

test("what is added and finds no room is told by its name, the rest is there, and it is added when there is room", async () => {
  const picture = await makePicture(page, "IMG_1.jpg", 1);
  const film = { name: "film.mp4", mimeType: "video/mp4", buffer: LARGE };
  await drop(page, page.getByRole("heading", { name: "Albums", level: 1 }), [picture, film]);
  await page.getByLabel("Name", { exact: true }).fill("Summer");
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await expect(page.getByText("One file was not added")).toBeVisible();
  await expect(page.getByText(/^film\.mp4: there is no space left on the disk/)).toBeVisible();
  const tiles = page.getByRole("list", { name: "Pictures" }).getByRole("link");
  await expect(tiles).toHaveCount(1);
  const lies = (name: string) => contents(bob.process, join(albums(bob.folder), "Summer", name));
  expect((await lies("IMG_1.jpg")).equals(picture.buffer)).toBe(true);

  await resize(bob.process, albums(bob.folder), LARGE_MIB);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(tiles).toHaveCount(2);
  await expect(page.getByText("was not added")).toBeHidden();
  expect((await lies("film.mp4")).equals(LARGE)).toBe(true);
});

test("a download that finds no room says so, and goes on where it ended when there is room", async () => {
  const origin = new URL(page.url()).origin;
  await page.goto(`${origin}/#/files`);
  await page.getByRole("link", { name: /Films/ }).click();
  await page.getByRole("button", { name: "Download all" }).click();
  await page.getByLabel("Into this folder").fill(received(bob.folder));
  await page.getByRole("dialog").getByRole("button", { name: "Download" }).click();
  await page.goto(`${origin}/#/transfers`);
  const card = page.getByRole("article");
  await expect(card.getByRole("alert")).toContainText("the disk is full; make room", {
    timeout: 30_000,
  });
  await page.screenshot({ path: test.info().outputPath("full.png") });

  await resize(bob.process, received(bob.folder), LARGE_MIB);
  await card.getByRole("button", { name: "Try again" }).click();
  await expect(card.getByText("done", { exact: true })).toBeVisible({ timeout: 30_000 });
  const lies = await contents(bob.process, join(received(bob.folder), "Films", "large.bin"));
  expect(lies.equals(LARGE)).toBe(true);
});
