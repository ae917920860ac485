// Ten thousand files in one folder: few of their rows exist at a time, and keys and screen readers get to all of them.
import { expect, test } from "@playwright/test";
import { areFew, LOTS_WITHIN_MS, scrollsWithFew, shareLots } from "./lots";
import { isSound } from "./sound";

const COUNT = 10_000;
/** What is in sight on this screen, and the rows kept ready beside it. */
const ROWS_MAX = 60;

test("ten thousand files scroll as few do, and are all within reach of keys", async ({ browser }) => {
  const name = (at: number) => `letter ${String(at).padStart(5, "0")}.doc`;
  const names = Array.from({ length: COUNT }, (_, at) => name(at + 1));
  const { world, page } = await shareLots(browser, "Letters", names, (_, name) => Promise.resolve(name));
  try {
    await page.goto(`${new URL(page.url()).origin}/#/files`);
    await page.getByRole("link", { name: /Letters/ }).click({ timeout: LOTS_WITHIN_MS });
    const rows = page.getByRole("list", { name: "In this folder" }).getByRole("listitem");
    await areFew(rows, COUNT, ROWS_MAX);
    await expect(rows.first()).toHaveAttribute("aria-posinset", "1");
    await isSound(page, "a long folder");

    await scrollsWithFew(page, "main li[data-index]", ROWS_MAX);
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
