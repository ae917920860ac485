// Five thousand pictures: few of them exist at a time, and the last is as near as the first.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { makePicture } from "./pictures";
import { World } from "./world";

const COUNT = 5_000;
/** What is in sight on this screen, and the rows kept ready beside it. */
const TILES_MAX = 120;

test("five thousand pictures scroll as few do", async ({ browser }) => {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const page = await world.person("bob").browser(browser, { viewport: { width: 1280, height: 800 } });
    const folder = join(world.folder, "Years");
    await mkdir(folder);
    const { buffer } = await makePicture(page, "one", 3);
    for (let at = 1; at <= COUNT; at += 1) await writeFile(join(folder, `IMG_${at}.jpg`), buffer);
    await world.person("ann").api("POST", "/shares", { paths: [folder], audience: "contacts" });
    await page.getByRole("link", { name: /Years/ }).click({ timeout: 60_000 });
    const tiles = page.getByRole("list", { name: "Pictures" }).getByRole("listitem");
    await expect(tiles.first()).toHaveAttribute("aria-setsize", String(COUNT), { timeout: 30_000 });
    expect(await tiles.count()).toBeLessThan(TILES_MAX);

    // Whoever scrolls through all of it in two seconds still sees it move, on a machine that is busy and draws without a graphics card.
    const { frame, most } = await page.evaluate(async () => {
      const frames: number[] = [];
      let most = 0;
      const [began, whole] = [performance.now(), document.documentElement.scrollHeight];
      let last = began;
      while (performance.now() - began < 2000) {
        const now = await new Promise<number>(requestAnimationFrame);
        frames.push(now - last);
        last = now;
        most = Math.max(most, document.querySelectorAll("main li").length);
        scrollTo(0, (whole * (now - began)) / 2000);
      }
      return { frame: frames.toSorted((one, other) => one - other)[frames.length >> 1] ?? 0, most };
    });
    expect(most).toBeLessThan(TILES_MAX);
    expect(frame).toBeLessThan(250);
    await page.keyboard.press("End");
    await expect(page.getByRole("link", { name: `IMG_${COUNT}.jpg` })).toBeVisible();
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
