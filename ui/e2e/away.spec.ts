// Albums of people who are away: what is known of them here stays, says of when it is, and is gone when it is taken back.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { makePicture } from "./pictures";
import { isSound } from "./sound";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let bob: Page;
let origin: string;
let album: string;

const tiles = () => bob.getByRole("list", { name: "Pictures" }).getByRole("link");
const card = () => bob.getByRole("link", { name: /Summer/ });
const remembered = () => world.person("bob").api<unknown[]>("GET", "/remembered");

/** Opens the app anew: nothing of before is in the page's memory. */
async function reopen(at: string) {
  await bob.goto("about:blank");
  await bob.goto(`${origin}/#/${at}`);
  await expect(bob.getByRole("heading", { level: 1 })).toBeVisible();
}

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  const folder = join(world.folder, "Summer");
  await mkdir(join(folder, "Deep"), { recursive: true });
  bob = await world.person("bob").browser(browser);
  origin = new URL(bob.url()).origin;
  for (const number of [1, 2, 3]) {
    const { name, buffer } = await makePicture(bob, `IMG_${number}.jpg`, number);
    await writeFile(join(folder, name), buffer);
  }
  await writeFile(join(folder, "Deep", "IMG_4.jpg"), (await makePicture(bob, "IMG_4.jpg", 4)).buffer);
  const names = ["IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg"];
  const ann = world.person("ann");
  album = `albums/${await ann.peerId()}/${await ann.sharePictures(folder, names)}`;
});
test.afterAll(() => world?.end());

test("what was looked at stays when its owner goes, and says of when it is", async () => {
  await reopen(album);
  await expect(tiles().locator(".thumb.shown img")).toHaveCount(3);
  await bob.getByRole("link", { name: "IMG_1.jpg" }).click();
  await expect(bob.locator("img.full.shown")).toBeVisible();
  await bob.keyboard.press("Escape");
  await world.person("ann").down();
  await expect(bob.getByText(/^ann is away\. It is shown as of now/)).toBeVisible({ timeout: 60_000 });
  await expect(tiles()).toHaveCount(3);
});

test("it is there when the app is opened while they are away, with the pictures that are here", async () => {
  await world.person("bob").down();
  await world.person("bob").up();
  await reopen("albums");
  await expect(card()).toBeVisible();
  await expect(card().getByText(/Away · as of/)).toBeVisible();
  await isSound(bob, "albums of somebody who is away");
  await reopen("files");
  await expect(bob.getByRole("link", { name: /Summer\s+Away · as of .* · 4 files/ })).toBeVisible();
  await isSound(bob, "files of somebody who is away");
  await reopen("albums");
  await card().click();
  await expect(bob.getByText(/^ann is away\./)).toBeVisible();
  await expect(tiles().locator(".thumb.shown img")).toHaveCount(3);
  await isSound(bob, "an album of somebody who is away");
  await bob.getByRole("link", { name: "IMG_1.jpg" }).click();
  await expect(bob.locator("img.full.shown")).toBeVisible({ timeout: 30_000 });
  // The one beside it was loaded ahead.
  await bob.keyboard.press("ArrowRight");
  await bob.keyboard.press("ArrowRight");
  await expect(bob.getByText(/Only the small picture is here/)).toBeVisible({ timeout: 30_000 });
  await bob.keyboard.press("Escape");
  await bob.getByRole("link", { name: /Deep/ }).click();
  await expect(bob.getByText("This was not looked at before")).toBeVisible();
});

test("it is live again when they are back", async () => {
  await world.person("ann").up();
  await expect(bob.getByRole("link", { name: "IMG_4.jpg" })).toBeVisible({ timeout: 60_000 });
  await expect(bob.getByText(/^ann is away\./)).toBeHidden();
  const { name, buffer } = await makePicture(bob, "IMG_5.jpg", 5);
  await writeFile(join(world.folder, "Summer", name), buffer);
  await reopen(album);
  await expect(tiles()).toHaveCount(4);
});

test("what is taken back while nobody looks is not shown any more", async () => {
  await bob.goto("about:blank");
  const ann = world.person("ann");
  await ann.api("DELETE", `/shares/${album.split("/").at(-1)}`);
  await expect.poll(remembered).toEqual([]);
  await ann.down();
  await reopen("albums");
  await expect(bob.getByText("No albums yet")).toBeVisible();
  await expect(card()).toBeHidden();
  await bob.goto(`${origin}/#/${album}`);
  await expect(bob.getByText("This album is not here")).toBeVisible();
});
