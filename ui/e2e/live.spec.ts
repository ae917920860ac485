// What others do shows by itself, and nothing is asked for time and again.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { makePicture } from "./pictures";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

/** From a file that was written to a picture that is seen. The node waits for a second until its folder has come to rest; of three the
 * quickest counts, since the machine may be busy with something else. */
const SEEN_WITHIN_MS = 2_000;
/** How long a page is watched for requests; others than an album for half of it. */
const REST_MS = 10_000;

let world: World;
let page: Page;
let origin: string;
let folder: string;
let album: string;

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  folder = join(world.folder, "Summer");
  await mkdir(folder);
  page = await world.person("bob").browser(browser);
  origin = new URL(page.url()).origin;
  await writeFile(join(folder, "IMG_0.jpg"), (await makePicture(page, "IMG_0.jpg", 1)).buffer);
});
test.afterAll(() => world?.end());

test("what somebody begins to share appears", async () => {
  await page.goto(`${origin}/#/albums`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const request = { paths: [folder], with: [], link: false, public: false, name: null };
  const ann = world.person("ann");
  const { share_id } = await ann.api<{ share_id: string }>("POST", "/shares", request);
  await expect(page.getByRole("link", { name: /Summer/ })).toBeVisible({ timeout: SEEN_WITHIN_MS });
  album = `albums/${await ann.peerId()}/${share_id}`;
});

test("a picture that is put into the folder is seen within two seconds", async () => {
  await page.goto(`${origin}/#/${album}`);
  const tiles = page.getByRole("list", { name: "Pictures" }).getByRole("link");
  await expect(tiles).toHaveCount(1);
  const took: number[] = [];
  for (const number of [1, 2, 3]) {
    const { name, buffer } = await makePicture(page, `IMG_${number}.jpg`, number + 1);
    const written = Date.now();
    await writeFile(join(folder, name), buffer);
    await expect(page.getByRole("link", { name })).toBeVisible();
    took.push(Date.now() - written);
  }
  expect(Math.min(...took)).toBeLessThan(SEEN_WITHIN_MS);
});

test("a page at rest asks for nothing", async () => {
  const peer = await world.person("ann").peerId();
  let last = Date.now();
  let asked: string[] = [];
  page.on("request", (request) => {
    last = Date.now();
    asked.push(request.url());
  });
  for (const at of [album, "albums", "transfers", "people", `people/${peer}`, "network", "settings"]) {
    await page.goto(`${origin}/#/${at}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    // What a page reads when it opens.
    await expect.poll(() => Date.now() - last).toBeGreaterThan(1_000);
    asked = [];
    await page.waitForTimeout(at === album ? REST_MS : REST_MS / 2);
    expect(asked, at).toEqual([]);
  }
});

test("who fetched what shows while one looks", async ({ browser }) => {
  const ann = await world.person("ann").browser(browser);
  const bob = await world.person("bob").peerId();
  await ann.goto(`${new URL(ann.url()).origin}/#/people/${bob}`);
  await expect(ann.getByText("all of it")).toBeHidden();
  const source = album.replace("albums/", "");
  const out = join(world.folder, "received");
  const get = { source, out, only: [], wait_ms: 0, provide: false, keep: false, priorities: [] };
  await world.person("bob").api("POST", "/transfers", get);
  await expect(ann.getByText("all of it")).toBeVisible({ timeout: 30_000 });
  await ann.context().close();
});

test("what one tab changes shows in another", async () => {
  const other = await page.context().newPage();
  for (const it of [page, other]) {
    await it.goto(`${origin}/#/settings`);
    await expect(it.getByLabel("Your name")).toHaveValue("bob");
  }
  await page.getByLabel("Your name").fill("Robert");
  await page.getByRole("button", { name: "Save" }).first().click();
  await expect(other.getByLabel("Your name")).toHaveValue("Robert");
  // What is being written in the other is not lost.
  await other.getByLabel("Your name").fill("Rob");
  await world.person("bob").api("POST", "/settings", { findable: true });
  await expect(other.getByRole("switch", { name: /PeerId/ })).toBeChecked();
  await expect(other.getByLabel("Your name")).toHaveValue("Rob");
  await other.goto(`${origin}/#/albums`);
  await expect(other.getByRole("link", { name: /Summer/ })).toBeVisible();
  await world.person("bob").api("POST", "/albums", { name: "Mine", audience: "contacts", with: [] });
  for (const it of [page, other]) {
    await it.goto(`${origin}/#/albums`);
    await expect(it.getByRole("link", { name: /Mine/ })).toBeVisible();
  }
  await other.close();
});
