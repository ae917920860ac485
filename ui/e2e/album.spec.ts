// An album, from the drop to the last byte on the other side.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { drop, makePicture, type Picture } from "./pictures";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let ann: Page;
let bob: Page;
let pictures: Picture[];

// A name that would be markup, one that turns itself around, and one that breaks a line.
const NAMES = [
  "IMG_1.jpg",
  "IMG_2.jpg",
  "IMG_10.jpg",
  "<img src=x onerror=alert(1)>.jpg",
  "photo\u202egpj.exe.jpg",
  "line\nbreak.jpg",
];

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  ann = await world.person("ann").browser(browser);
  bob = await world.person("bob").browser(browser);
  for (const page of [ann, bob]) {
    page.on("dialog", () => {
      throw new Error("something of a peer's ran");
    });
  }
  pictures = await Promise.all(NAMES.map((name, at) => makePicture(ann, name, at + 1)));
});
test.afterAll(() => world?.end());

test("pictures that are dropped become an album", async () => {
  await expect(ann.getByRole("heading", { name: "Albums", level: 1 })).toBeVisible();
  await drop(ann, ann.getByRole("heading", { name: "Albums", level: 1 }), pictures.slice(0, 3));
  await expect(ann.getByRole("dialog").getByText(/3 files/)).toBeVisible();
  await ann.getByLabel("Name", { exact: true }).fill("Summer");
  await ann.getByRole("button", { name: "Share", exact: true }).click();
  await expect(ann.getByRole("heading", { name: "Summer", level: 1 })).toBeVisible();
  await expect(ann.getByRole("link", { name: /IMG_/ })).toHaveCount(3);
});

test("the other side sees it, sorted as people count", async () => {
  const card = bob.getByRole("link", { name: /Summer/ });
  await expect(card).toBeVisible({ timeout: 30_000 });
  await card.click();
  const tiles = bob.getByRole("list", { name: "Pictures" }).getByRole("link");
  await expect(tiles).toHaveCount(3);
  const shown = await tiles.evaluateAll((all) => all.map((tile) => tile.getAttribute("aria-label")));
  expect(shown).toEqual(["IMG_1.jpg", "IMG_2.jpg", "IMG_10.jpg"]);
  await expect(tiles.locator(".thumb.shown img")).toHaveCount(3);
});

test("a link shows what it leads to, whose it is and how much", async ({ browser }) => {
  const [share] = await world.person("ann").api<{ link: string }[]>("GET", "/shares");
  const page = await world.person("bob").browser(browser);
  await page.goto(`${new URL(page.url()).origin}/#/files`);
  await page.getByLabel("Open a link that you were sent").fill(share?.link ?? "");
  await page.getByRole("button", { name: "Open it" }).click();
  await expect(page.getByRole("heading", { name: "Summer", level: 1 })).toBeVisible();
  await page.getByRole("link", { name: "Show as album" }).click();
  await expect(page.getByText(/^From ann · 3 files · .* · as it was when you looked$/)).toBeVisible();
  await expect(page.getByRole("list", { name: "Pictures" }).getByRole("link")).toHaveCount(3);

  // Nobody tells who holds a link of what is new there.
  const note = join(world.person("ann").data, "albums", "Summer", "note.txt");
  const files = async () => (await world.person("ann").api<{ files: number }[]>("GET", "/shares"))[0]?.files;
  await writeFile(note, "more to come");
  await expect.poll(files).toBe(4);
  await page.getByRole("button", { name: "Look again" }).click();
  await expect(page.getByText(/^From ann · 4 files · /)).toBeVisible();
  await expect(page.getByText("note.txt")).toBeVisible();
  await rm(note);
  await expect.poll(files).toBe(3);
  await page.context().close();
});

test("a picture that is added appears before the viewer's eyes", async () => {
  await drop(ann, ann.getByRole("list", { name: "Pictures" }), pictures.slice(3));
  await expect(bob.getByRole("list", { name: "Pictures" }).getByRole("link")).toHaveCount(6, {
    timeout: 30_000,
  });
});

test("names of peers are shown as they are, and nothing of them runs", async () => {
  await expect(bob.getByRole("link", { name: "<img src=x onerror=alert(1)>.jpg" })).toBeVisible();
  await expect(bob.getByRole("link", { name: "photo␣202Egpj.exe.jpg" })).toBeVisible();
  const broken = "line␣000Abreak.jpg";
  for (const page of [ann, bob]) {
    await expect(page.getByRole("link", { name: broken }).locator(".thumb.shown img")).toBeVisible();
    await page.getByRole("link", { name: broken }).click();
    await expect(page.getByRole("dialog").locator("img.full.shown")).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toBeHidden();
  }
});

test("the lightbox is led by keys, and the address follows", async () => {
  await bob.getByRole("link", { name: "IMG_1.jpg" }).click();
  const box = bob.getByRole("dialog");
  await expect(box).toHaveAccessibleName("IMG_1.jpg");
  await expect
    .poll(() => box.locator("img.full").evaluate((it: HTMLImageElement) => it.naturalWidth))
    .toBe(900);
  await bob.keyboard.press("ArrowRight");
  await expect(box).toHaveAccessibleName("IMG_2.jpg");
  await bob.keyboard.press("Space");
  await expect(box).toHaveAccessibleName("IMG_10.jpg");
  await bob.keyboard.press("ArrowLeft");
  await expect(box).toHaveAccessibleName("IMG_2.jpg");
  expect(bob.url()).toContain("view=IMG_2.jpg");
  const scale = () =>
    box.locator(".picture").evaluate((it: HTMLElement) => new DOMMatrix(it.style.transform).a);
  await bob.keyboard.press("+");
  expect(await scale()).toBeGreaterThan(1.4);
  await bob.keyboard.press("-");
  expect(await scale()).toBe(1);
  await bob.keyboard.press("Escape");
  await expect(box).toBeHidden();
});

test("a picture comes from an origin that is not the app's", async () => {
  await bob.getByRole("link", { name: "IMG_1.jpg" }).click();
  const source = await bob.locator("img.full").getAttribute("src");
  expect(new URL(source ?? "", bob.url()).origin).not.toBe(new URL(bob.url()).origin);
  await bob.keyboard.press("Escape");
});

test("a picture that is closed leaves no step to go back to", async () => {
  await bob.getByRole("link", { name: "IMG_1.jpg" }).click();
  await bob.keyboard.press("ArrowRight");
  await bob.keyboard.press("Escape");
  await expect(bob.getByRole("dialog")).toBeHidden();
  await expect(bob).toHaveURL(/#\/albums\/[^?]+$/);
  await bob.goBack();
  await expect(bob.getByRole("heading", { name: "Albums", level: 1 })).toBeVisible();
  await bob.goForward();
  await expect(bob.getByRole("heading", { name: "Summer", level: 1 })).toBeVisible();
});

test("an album that is opened anew waits for its owner's word, and says when there is none", async () => {
  let [isAsked, isTorn] = [false, true];
  let say = () => {};
  const said = new Promise<void>((resolve) => (say = resolve));
  const isList = (url: URL) =>
    url.pathname === "/api/v1/ls" && !(url.searchParams.get("path") ?? "").includes("/");
  await bob.route(isList, async (route) => {
    isAsked = true;
    await said;
    const body = JSON.stringify({ kind: "failed", message: "the list is torn" });
    if (isTorn) await route.fulfill({ status: 500, contentType: "application/json", body });
    else await route.continue();
  });
  await bob.reload();
  await expect.poll(() => isAsked).toBe(true);
  await expect(bob.getByText("Loading…")).toBeVisible();
  await expect(bob.getByText("This album is not here")).toBeHidden();
  say();
  await expect(bob.getByText("the list is torn")).toBeVisible();
  isTorn = false;
  await bob.getByRole("button", { name: "Try again" }).click();
  await expect(bob.getByRole("heading", { name: "Summer", level: 1 })).toBeVisible();
  await expect(bob.getByRole("list", { name: "Pictures" }).getByRole("link")).toHaveCount(6);
  await bob.unroute(isList);
});

test("a download lies on the disk, byte for byte", async () => {
  const folder = join(world.folder, "received");
  await bob.getByRole("button", { name: "Download all" }).click();
  await bob.getByLabel("Into this folder").fill(folder);
  await bob.getByRole("dialog").getByRole("button", { name: "Download" }).click();
  await bob.goto(`${new URL(bob.url()).origin}/#/transfers`);
  await expect(bob.getByText("done", { exact: true })).toBeVisible({ timeout: 30_000 });
  const [received] = await readdir(folder);
  for (const { name, buffer } of pictures) {
    expect((await readFile(join(folder, received ?? "", name))).equals(buffer), name).toBe(true);
  }
});

test("what was fetched is passed on until that is ended", async () => {
  await bob.goto(`${new URL(bob.url()).origin}/#/files`);
  const copies = bob.locator("section", { hasText: "Copies you pass on" });
  await copies.getByRole("link", { name: /Summer/ }).click();
  await bob.getByRole("button", { name: "IMG_1.jpg" }).click();
  await expect(bob.getByRole("dialog")).toHaveAccessibleName("IMG_1.jpg");
  await bob.goBack();
  await expect(bob.getByRole("dialog")).toBeHidden();
  await expect(bob.getByRole("button", { name: "IMG_1.jpg" })).toBeVisible();
  await bob.getByRole("button", { name: "More for Summer" }).click();
  await bob.getByRole("menuitem", { name: "Stop passing it on" }).click();
  await bob.getByRole("dialog").getByRole("button", { name: "Stop passing it on" }).click();
  await expect(bob.getByRole("heading", { name: "Files", level: 1 })).toBeVisible();
  await expect(copies).toBeHidden();
});

test("chosen pictures alone are downloaded", async () => {
  const folder = join(world.folder, "chosen");
  await bob.goto(`${new URL(bob.url()).origin}/#/albums`);
  await bob.getByRole("link", { name: /Summer/ }).click();
  await bob.getByRole("button", { name: "Choose", exact: true }).click();
  await bob.getByRole("button", { name: "IMG_2.jpg" }).click();
  await bob.getByRole("button", { name: "Download 1" }).click();
  await bob.getByLabel("Into this folder").fill(folder);
  await bob.getByRole("dialog").getByRole("button", { name: "Download" }).click();
  await expect
    .poll(async () => readdir(join(folder, "Summer")).catch(() => []), { timeout: 30_000 })
    .toEqual(["IMG_2.jpg"]);
});

test("pictures that are chosen next come to those of before", async () => {
  const folder = join(world.folder, "chosen");
  await bob.getByRole("button", { name: "Choose", exact: true }).click();
  for (const name of ["IMG_2.jpg", "IMG_10.jpg"]) await bob.getByRole("button", { name }).click();
  await bob.getByRole("button", { name: "Download 2" }).click();
  await bob.getByLabel("Into this folder").fill(folder);
  await bob.getByRole("dialog").getByRole("button", { name: "Download" }).click();
  const there = async () => (await readdir(join(folder, "Summer"))).sort();
  await expect.poll(there, { timeout: 30_000 }).toEqual(["IMG_10.jpg", "IMG_2.jpg"]);
  for (const { name, buffer } of pictures.slice(1, 3)) {
    expect((await readFile(join(folder, "Summer", name))).equals(buffer), name).toBe(true);
  }
});

test("pictures that their owner removes are gone on both sides", async () => {
  await ann.getByRole("button", { name: "Choose", exact: true }).click();
  await ann.getByRole("button", { name: "IMG_10.jpg" }).click();
  await ann.getByRole("button", { name: "Remove 1" }).click();
  await ann.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  const tiles = (page: Page) => page.getByRole("list", { name: "Pictures" }).getByRole("link");
  await expect(tiles(ann)).toHaveCount(5);
  await expect(ann.getByRole("link", { name: "IMG_10.jpg" })).toBeHidden();
  await expect(tiles(bob)).toHaveCount(5, { timeout: 30_000 });
});

test("its owner sees who fetched it", async () => {
  await ann.goto(`${new URL(ann.url()).origin}/#/people`);
  await ann.getByRole("link", { name: /bob/ }).first().click();
  await expect(ann.getByText("all of it")).toBeVisible({ timeout: 30_000 });
});

test("pictures of a name that is taken come beside those that have it", async ({ browser }) => {
  const page = await world.person("ann").browser(browser);
  await page.getByRole("link", { name: /Summer/ }).click();
  const others = await Promise.all([11, 12].map((seed) => makePicture(page, "IMG_1.jpg", seed)));
  await drop(page, page.getByRole("heading", { name: "Summer", level: 1 }), others);
  await expect(page.getByRole("list", { name: "Pictures" }).getByRole("link")).toHaveCount(7);
  for (const name of ["IMG_1.jpg", "IMG_1 (2).jpg", "IMG_1 (3).jpg"]) {
    await expect(page.getByRole("link", { name })).toBeVisible();
  }
  const kept = (name: string) => readFile(join(world.person("ann").data, "albums", "Summer", name));
  expect((await kept("IMG_1.jpg")).equals(pictures[0]?.buffer ?? Buffer.of())).toBe(true);
  const added = await Promise.all(["IMG_1 (2).jpg", "IMG_1 (3).jpg"].map(kept));
  for (const { buffer } of others) expect(added.some((it) => it.equals(buffer))).toBe(true);
  await page.context().close();
});

test("whoever is blocked sees it vanish", async () => {
  await bob.goto(`${new URL(bob.url()).origin}/#/albums`);
  await expect(bob.getByRole("link", { name: /Summer/ })).toBeVisible();
  await ann.getByRole("button", { name: /^More for/ }).click();
  await ann.getByRole("menuitem", { name: "Block" }).click();
  await ann.getByRole("dialog").getByRole("button", { name: "Block" }).click();
  await expect(ann.getByText("Blocked", { exact: true })).toBeVisible();
  await expect(bob.getByRole("link", { name: /Summer/ })).toBeHidden({ timeout: 60_000 });
});
