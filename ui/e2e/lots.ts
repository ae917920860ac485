// Somebody who shares a folder of thousands of files, and somebody who looks at it.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, type Browser, type Locator, type Page } from "@playwright/test";
import { World } from "./world";

/** How long a busy machine takes to hash that many files, and to tell of them. */
export const LOTS_WITHIN_MS = 60_000;

export interface Lots {
  world: World;
  /** In front of whom it is shared with. */
  page: Page;
}

/** Ann shares the files with Bob, whose browser is open; what is to be in them is made by it. */
export async function shareLots(
  browser: Browser,
  folder: string,
  names: string[],
  content: (page: Page, name: string) => Promise<Buffer | string>,
): Promise<Lots> {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const page = await world.person("bob").browser(browser, { viewport: { width: 1280, height: 800 } });
    const path = join(world.folder, folder);
    await mkdir(path);
    for (const name of names) await writeFile(join(path, name), await content(page, name));
    await world.person("ann").api("POST", "/shares", { paths: [path], audience: "contacts" });
    return { world, page };
  } catch (error) {
    await world.end();
    throw error;
  }
}

/** Few of many things exist, and each says which it is of how many. */
export async function areFew(things: Locator, of: number, most: number): Promise<void> {
  await expect(things.first()).toHaveAttribute("aria-setsize", String(of), { timeout: LOTS_WITHIN_MS });
  expect(await things.count()).toBeLessThan(most);
}

/** A frame of at most this long is still seen to move, on a machine that is busy and draws without a graphics card. */
const FRAME_MS_MAX = 250;

/** Whoever scrolls through all of a page in two seconds sees it move (how smoothly, `speed.measure.ts` says), and at no time more of such things than these exist. */
export async function scrollsWithFew(page: Page, selector: string, most: number): Promise<void> {
  const seen = await page.evaluate(async (selector) => {
    const frames: number[] = [];
    let most = 0;
    const [began, whole] = [performance.now(), document.documentElement.scrollHeight];
    let last = began;
    while (performance.now() - began < 2000) {
      const now = await new Promise<number>(requestAnimationFrame);
      frames.push(now - last);
      last = now;
      most = Math.max(most, document.querySelectorAll(selector).length);
      scrollTo(0, (whole * (now - began)) / 2000);
    }
    return { frame: frames.toSorted((one, other) => one - other)[frames.length >> 1] ?? 0, most };
  }, selector);
  expect(seen.most).toBeLessThan(most);
  expect(seen.frame).toBeLessThan(FRAME_MS_MAX);
}
