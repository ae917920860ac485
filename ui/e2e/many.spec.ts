// Five thousand pictures: few of them exist at a time, and the last is as near as the first.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { areFew, LOTS_WITHIN_MS, scrollsWithFew, shareLots } from "./lots";
import { makePicture } from "./pictures";

const COUNT = 5_000;
/** What is in sight on this screen, and the rows kept ready beside it. */
const TILES_MAX = 120;
/** Those where it begins and where it ends, and of what was in sight between a few. */
const ASKED_MAX = 400;

test("five thousand pictures scroll as few do", async ({ browser }) => {
  const names = Array.from({ length: COUNT }, (_, at) => `IMG_${at + 1}.jpg`);
  let picture: Promise<Buffer> | undefined;
  const { world, page } = await shareLots(browser, "Years", names, (page) => {
    picture ??= makePicture(page, "one", 3).then(({ buffer }) => buffer);
    return picture;
  });
  try {
    await page.getByRole("link", { name: /Years/ }).click({ timeout: LOTS_WITHIN_MS });
    const tiles = page.getByRole("list", { name: "Pictures" }).getByRole("listitem");
    await areFew(tiles, COUNT, TILES_MAX);
    // What rushes by is not asked for; where one stops it is.
    let asked = 0;
    page.on("request", (request) => (asked += /\/previews\/.*size=/.test(request.url()) ? 1 : 0));
    await scrollsWithFew(page, "main li", TILES_MAX);
    expect(asked).toBeLessThan(ASKED_MAX);
    await page.keyboard.press("End");
    await expect(page.getByRole("link", { name: `IMG_${COUNT}.jpg` })).toBeVisible();
    await expect(page.getByRole("link", { name: `IMG_${COUNT}.jpg` }).locator(".thumb.shown")).toBeVisible();
    expect(await tiles.count()).toBeLessThan(TILES_MAX);

    // And who comes back to them from another page is where they were.
    await page.getByRole("link", { name: "People" }).click();
    await expect(page.getByRole("heading", { name: "People", level: 1 })).toBeVisible();
    expect(await page.evaluate(() => scrollY)).toBe(0);
    await page.goBack();
    await expect(page.getByRole("link", { name: `IMG_${COUNT}.jpg` })).toBeVisible();

    // All but one of them, into a folder.
    await page.getByRole("button", { name: "Choose", exact: true }).click();
    await page.getByRole("button", { name: "All", exact: true }).click();
    await page.getByRole("button", { name: "IMG_1.jpg", exact: true }).click();
    await page.getByRole("button", { name: /^Download 4.?999$/ }).click();
    await page.getByLabel("Into this folder").fill(join(world.folder, "received"));
    await page.getByRole("dialog").getByRole("button", { name: "Download", exact: true }).click();
    const received = async () => readdir(join(world.folder, "received", "Years")).catch(() => []);
    await expect.poll(async () => (await received()).length, { timeout: 120_000 }).toBe(COUNT - 1);
    expect(await received()).not.toContain("IMG_1.jpg");
  } finally {
    await world.end();
  }
});
