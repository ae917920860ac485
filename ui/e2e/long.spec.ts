// Ten thousand files in one folder: few of their rows exist at a time, and keys and screen readers get to all of them.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

const COUNT = 10_000;
/** What is in sight on this screen, and the rows kept ready beside it. */
const ROWS_MAX = 60;

test("ten thousand files scroll as few do, and are all within reach of keys", async ({ browser }) => {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const folder = join(world.folder, "Letters");
    await mkdir(folder);
    const name = (at: number) => `letter ${String(at).padStart(5, "0")}.doc`;
    for (let at = 1; at <= COUNT; at += 1) await writeFile(join(folder, name(at)), `${at}`);
    await world.person("ann").api("POST", "/shares", { paths: [folder], audience: "contacts" });
    const page = await world.person("bob").browser(browser, { viewport: { width: 1280, height: 800 } });
    await page.goto(`${new URL(page.url()).origin}/#/files`);
    await page.getByRole("link", { name: /Letters/ }).click({ timeout: 60_000 });
    const list = page.getByRole("list", { name: "In this folder" });
    const rows = list.getByRole("listitem");
    await expect(rows.first()).toHaveAttribute("aria-setsize", String(COUNT), { timeout: 60_000 });
    await expect(rows.first()).toHaveAttribute("aria-posinset", "1");
    expect(await rows.count()).toBeLessThan(ROWS_MAX);
    await isSound(page, "a long folder");

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
        most = Math.max(most, document.querySelectorAll("main li[data-index]").length);
        scrollTo(0, (whole * (now - began)) / 2000);
      }
      return { frame: frames.toSorted((one, other) => one - other)[frames.length >> 1] ?? 0, most };
    });
    expect(most).toBeLessThan(ROWS_MAX);
    expect(frame).toBeLessThan(250);
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await expect(page.getByText(name(COUNT))).toBeVisible();
    await page.evaluate(() => scrollTo(0, 0));
    await expect(page.getByText(name(1), { exact: true })).toBeVisible();

    // By keys, from one row to the next and to the last; what has the focus stays, wherever one scrolls.
    const button = (at: number) =>
      rows.filter({ hasText: name(at) }).getByRole("button", { name: "Download" });
    await button(1).focus();
    await page.keyboard.press("ArrowDown");
    await expect(button(2)).toBeFocused();
    await page.keyboard.press("End");
    await expect(button(COUNT)).toBeFocused();
    await expect(button(COUNT)).toBeInViewport();
    expect(await rows.last().getAttribute("aria-posinset")).toBe(String(COUNT));
    await page.keyboard.press("ArrowUp");
    await expect(button(COUNT - 1)).toBeFocused();
    await page.evaluate(() => scrollTo(0, 0));
    await expect(page.getByText(name(1), { exact: true })).toBeVisible();
    await expect(button(COUNT - 1)).toBeFocused();
    await page.keyboard.press("Home");
    await expect(button(1)).toBeFocused();
    await expect(button(1)).toBeInViewport();
    // Tab goes on where no row was yet.
    for (let at = 1; at < 40; at += 1) await page.keyboard.press("Tab");
    await expect(button(40)).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog").getByText("Download 1 file")).toBeVisible();
    await page.keyboard.press("Escape");
  } finally {
    await world.end();
  }
});
