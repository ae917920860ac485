// Documents are under Files, where their owner adds to them; pictures are under Albums too; and nothing is lost between the two.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { drop, makePicture } from "./pictures";
import { isSound } from "./sound";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let ann: Page;
let bob: Page;

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  ann = await world.person("ann").browser(browser);
  bob = await world.person("bob").browser(browser);
});
test.afterAll(() => world?.end());

const to = (page: Page, at: string) => page.goto(`${new URL(page.url()).origin}/#/${at}`);
const paper = (name: string) => ({ name, mimeType: "text/plain", buffer: Buffer.from(`what ${name} says`) });
const row = (page: Page) => page.getByRole("main").getByRole("link", { name: /Papers/ });
const heading = (page: Page, name: string) => page.getByRole("heading", { name, level: 1 });
const elsewhere = (page: Page) => page.getByText("One share holds other files than pictures.");
/** What lies in the folder that the node keeps for it. */
const kept = async () => (await readdir(join(world.person("ann").data, "albums", "Papers"))).toSorted();

test("who shares documents finds them under Files, and is told so under Albums", async () => {
  await to(ann, "files");
  await ann.getByRole("button", { name: "Share something" }).click();
  const choosing = ann.waitForEvent("filechooser");
  await ann.getByRole("dialog").getByRole("button", { name: "Choose files" }).click();
  await (await choosing).setFiles([paper("report.txt"), paper("letter.txt")]);
  await ann.getByLabel("Name", { exact: true }).fill("Papers");
  await ann.getByRole("button", { name: "Share", exact: true }).click();
  await expect(heading(ann, "Papers")).toBeVisible();
  await expect(ann.getByText("report.txt")).toBeVisible({ timeout: 30_000 });
  for (const page of [ann, bob]) {
    await to(page, "albums");
    await expect(elsewhere(page)).toBeVisible({ timeout: 30_000 });
    await expect(row(page)).toBeHidden();
    await isSound(page, "no albums but files");
    await page.screenshot({
      path: test.info().outputPath(`elsewhere-${page === ann ? "mine" : "theirs"}.png`),
    });
    await page.getByRole("main").getByRole("link", { name: "Files" }).click();
    await expect(row(page)).toBeVisible();
  }
});

/** Opens Albums as for the first time or once more, with what lies in the shares held back, and watches whether Papers has a card at any time. */
async function watched(page: Page): Promise<() => void> {
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  // What somebody shares is told at once; what lies in it is not.
  await page.route(/api\/v1\/ls\?path=[^&]*%2F/, async (route) => {
    await held;
    await route.continue().catch(() => undefined);
  });
  await page.addInitScript(() => {
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    new MutationObserver(() => {
      for (const card of document.querySelectorAll("main li a")) {
        const name = card.querySelector("b")?.textContent ?? "";
        if (!seen.includes(name)) seen.push(name);
      }
      if (document.querySelector("main")?.textContent.includes("No albums yet")) seen.push("none");
    }).observe(document, { childList: true, subtree: true, characterData: true });
  });
  await to(page, "albums");
  await page.reload();
  return release;
}
const seen = (page: Page) => page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);

test("before it is known what somebody shares it is no album, and afterwards it is at once what it was", async ({
  browser,
}) => {
  const page = await world.person("bob").browser(browser, { viewport: { width: 360, height: 740 } });
  await page.goto("about:blank");
  const origin = new URL(bob.url()).origin;
  await page.goto(`${origin}/#/people`);
  await page.evaluate(() => localStorage.clear());
  const release = await watched(page);
  await expect(page.getByRole("main").getByText("Loading…")).toBeVisible();
  await isSound(page, "shares of which nobody knows what they are");
  expect(await seen(page)).toEqual([]);
  release();
  await expect(elsewhere(page)).toBeVisible({ timeout: 30_000 });
  expect(await seen(page)).not.toContain("Papers");

  // And when it is opened the next time, nobody has to be asked first.
  await page.unrouteAll();
  const releaseAgain = await watched(page);
  await expect(elsewhere(page)).toBeVisible();
  await expect(page.getByRole("main").getByText("Loading…")).toBeHidden();
  expect(await seen(page)).not.toContain("Papers");
  releaseAgain();
  await page.context().close();
});

test("files are added where documents are, by a button and by dropping them, and their way is seen", async () => {
  await row(ann).click();
  await expect(heading(ann, "Papers")).toBeVisible();
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  await ann.route(/albums\/.*\/files\/notes\.txt/, async (route) => {
    await held;
    await route.continue();
  });
  const choosing = ann.waitForEvent("filechooser");
  await ann.getByRole("button", { name: "Add files" }).click();
  await (await choosing).setFiles(paper("notes.txt"));
  // Nobody has looked whether a text says where it was taken.
  await ann.getByRole("dialog").getByRole("button", { name: "Add them" }).click();
  const way = ann.getByRole("region", { name: "Adding to Papers" });
  await expect(way.getByText("Adding 0 of 1…")).toBeVisible();
  await expect(way.getByRole("progressbar")).toBeVisible();
  await expect(way.getByRole("link", { name: "Papers" })).toHaveAttribute("href", /^#\/files\/mine\//);
  await isSound(ann, "files on their way into a folder");
  await ann.screenshot({ path: test.info().outputPath("adding.png") });
  release();
  await expect(ann.getByText("notes.txt")).toBeVisible({ timeout: 30_000 });
  await expect(way).toBeHidden();

  await drop(ann, heading(ann, "Papers"), [paper("plan.txt")]);
  await ann.getByRole("dialog").getByRole("button", { name: "Add them" }).click();
  await expect(ann.getByText("plan.txt")).toBeVisible({ timeout: 30_000 });
  await expect(ann.getByText(/^4 files · /)).toBeVisible({ timeout: 30_000 });
  expect(await kept()).toEqual(["letter.txt", "notes.txt", "plan.txt", "report.txt"]);
});

test("somebody else's is not added to, and opens as files from their page too", async () => {
  await to(bob, "people");
  await bob.getByRole("link", { name: /ann/ }).first().click();
  await expect(row(bob)).toHaveAttribute("href", /^#\/files\//);
  await row(bob).click();
  await expect(bob.getByText("plan.txt")).toBeVisible({ timeout: 30_000 });
  await expect(bob.getByRole("button", { name: "Add files" })).toBeHidden();
  await drop(bob, heading(bob, "Papers"), [paper("bob.txt")]);
  await expect(bob.getByRole("dialog")).toBeHidden();
  expect(await kept()).toHaveLength(4);
});

test("what becomes an album is one under Albums, and still under Files", async () => {
  const pictures = await Promise.all([1, 2, 3, 4, 5].map((at) => makePicture(ann, `IMG_${at}.jpg`, at)));
  await drop(ann, heading(ann, "Papers"), pictures);
  await expect(ann.getByText(/^9 files · /)).toBeVisible({ timeout: 30_000 });
  await ann.getByRole("button", { name: "More for Papers" }).click();
  await ann.getByRole("menuitem", { name: "Show as album" }).click();
  await expect(ann.getByRole("list", { name: "Pictures" }).getByRole("link")).toHaveCount(5);
  for (const page of [ann, bob]) {
    await to(page, "albums");
    await expect(row(page)).toBeVisible({ timeout: 30_000 });
    await expect(elsewhere(page)).toBeHidden();
    await to(page, "files");
    await expect(row(page)).toBeVisible();
  }
});

test("an album that was looked into once is there before it is looked into again", async () => {
  await to(bob, "albums");
  await expect(row(bob)).toBeVisible();
  const release = await watched(bob);
  await expect(row(bob)).toBeVisible();
  await expect(bob.getByRole("main").getByText("Loading…")).toBeHidden();
  expect(await seen(bob)).not.toContain("none");
  release();
  await bob.unrouteAll();
});

for (const [screen, options] of Object.entries({
  wide: { viewport: { width: 1280, height: 800 } },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
} as const)) {
  test(`one's own folder is sound: ${screen}`, async ({ browser }, info) => {
    const page = await world.person("ann").browser(browser, options);
    await to(page, "files");
    await row(page).click();
    await expect(page.getByText("plan.txt")).toBeVisible();
    const actions = [/^Link$/, /^Add files$/, /^More for/].map((name) => page.getByRole("button", { name }));
    const tops = await Promise.all(actions.map(async (it) => (await it.boundingBox())?.y ?? NaN));
    expect(Math.max(...tops) - Math.min(...tops), "on one line").toBeLessThan(2);
    await page.screenshot({ path: info.outputPath("folder.png") });
    await isSound(page, `one's own folder: ${screen}`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
    await page.context().close();
  });
}
