// The whole way without a mouse: from the first page to the bytes on the disk, and not one call of `click`.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Locator, type Page } from "@playwright/test";
import { makePicture } from "./pictures";
import { World } from "./world";

/** More presses than any page has things to press. */
const TABS_MAX = 60;

/** Whoever has no mouse is lost where nothing has the focus. */
async function isSomewhere(page: Page): Promise<void> {
  const isNowhere = () => page.evaluate(() => document.activeElement === document.body);
  await expect.poll(isNowhere, "nothing has the focus").toBe(false);
}

/** Presses Tab until something has the focus, as whoever has no mouse does. */
async function tabTo(page: Page, to: Locator): Promise<void> {
  await expect(to).toBeVisible({ timeout: 30_000 });
  await isSomewhere(page);
  for (let press = 0; press < TABS_MAX; press += 1) {
    if (await to.evaluate((it) => it === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${to}`);
}

/** A page that is new, with the focus on its title, which the tab says too. */
async function isNew(page: Page, title: string): Promise<void> {
  await expect(page.getByRole("heading", { name: title, level: 1 })).toBeFocused();
  await expect(page).toHaveTitle(`${title} – kith`);
}

async function press(page: Page, on: Locator, key = "Enter"): Promise<void> {
  await tabTo(page, on);
  await page.keyboard.press(key);
}

test("two people meet, look at pictures and fetch some, by keys alone", async ({ browser }) => {
  const world = await World.start(["ann", "bob"]);
  try {
    const page = await world.person("bob").browser(browser);
    const summer = join(world.folder, "Summer");
    await mkdir(summer);
    for (const at of [1, 2, 3]) {
      await writeFile(join(summer, `IMG_${at}.jpg`), (await makePicture(page, "", at)).buffer);
    }
    const ann = world.person("ann");
    await ann.api("POST", "/shares", { paths: [summer], audience: "contacts", with: [], name: null });
    const asked = { reusable: false, seconds: 3600, addresses: true };
    const { invite } = await ann.api<{ invite: string }>("POST", "/invites", asked);

    // The first run: a name, and an invite.
    const name = page.getByLabel("Your name");
    await expect(name).toBeVisible();
    // Where the focus is at first is the browser's affair.
    await page.keyboard.press("Tab");
    await tabTo(page, name);
    await page.keyboard.press("End");
    await page.keyboard.type("by");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Meet someone" })).toBeFocused();
    await tabTo(page, page.getByRole("radio", { name: "Your invite" }));
    await page.keyboard.press("ArrowRight");
    await tabTo(page, page.getByLabel("Invite", { exact: true }));
    await page.keyboard.insertText(invite);
    await expect(page.getByText("calls themselves “ann”")).toBeVisible();
    await press(page, page.getByRole("button", { name: "Add them" }));
    await expect(page.getByRole("heading", { name: "You are set up" })).toBeFocused();
    await press(page, page.getByRole("button", { name: "Make an album" }));
    await isNew(page, "Albums");

    // The album, and its pictures.
    await press(page, page.getByRole("link", { name: /Summer/ }));
    await isNew(page, "Summer");
    const tile = (at: number) => page.getByRole("link", { name: `IMG_${at}.jpg` });
    await tabTo(page, tile(1));
    await page.keyboard.press("ArrowRight");
    await expect(tile(2)).toBeFocused();
    await page.keyboard.press("Enter");
    const box = page.getByRole("dialog");
    await expect(box).toHaveAccessibleName("IMG_2.jpg");
    await page.keyboard.press("ArrowRight");
    await expect(box).toHaveAccessibleName("IMG_3.jpg");
    await expect(box.locator("[aria-live]", { hasText: "IMG_3.jpg, 3 of 3" })).toBeAttached();
    // Enlarged, it is moved by the keys that lead on otherwise.
    await page.keyboard.press("+");
    const moved = () =>
      box.locator(".picture").evaluate((it: HTMLElement) => {
        const { e, f } = new DOMMatrix(it.style.transform);
        return [Math.sign(e), Math.sign(f)];
      });
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowDown");
    expect(await moved()).toEqual([1, -1]);
    await expect(box).toHaveAccessibleName("IMG_3.jpg");
    await page.keyboard.press("Escape");
    await expect(box).toBeHidden();
    await expect(tile(3)).toBeFocused();

    // Two of the three, into a folder.
    await press(page, page.getByRole("button", { name: "Choose", exact: true }));
    const chosen = (at: number) => page.getByRole("button", { name: `IMG_${at}.jpg` });
    // Tab leads to where the focus was last; the rest is arrows.
    await tabTo(page, page.getByRole("list", { name: "Pictures" }).locator("[tabindex='0']"));
    await page.keyboard.press("Home");
    await expect(chosen(1)).toBeFocused();
    await page.keyboard.press("Space");
    await page.keyboard.press("End");
    await expect(chosen(3)).toBeFocused();
    await page.keyboard.press("Space");
    await press(page, page.getByRole("button", { name: "Download 2" }));
    await tabTo(page, page.getByLabel("Into this folder"));
    await page.keyboard.type(join(world.folder, "received"));
    await page.keyboard.press("Enter");
    const received = join(world.folder, "received", "Summer");
    await expect
      .poll(async () => (await readdir(received).catch(() => [])).toSorted(), { timeout: 30_000 })
      .toEqual(["IMG_1.jpg", "IMG_3.jpg"]);

    // And to the other pages, by the way that skips what is the same on each.
    await isSomewhere(page);
    await press(page, page.getByRole("link", { name: "Files", exact: true }));
    await isNew(page, "Files");
    await press(page, page.getByRole("link", { name: /Summer/ }).first());
    await isNew(page, "Summer");
    await press(page, page.getByRole("link", { name: "Show as album" }));
    await expect(page.getByRole("list", { name: "Pictures" })).toBeVisible();
    await isNew(page, "Summer");
    await press(page, page.getByRole("link", { name: "Files", exact: true }));
    await press(page, page.getByRole("link", { name: "Transfers" }));
    await isNew(page, "Transfers");
    await expect(page.getByRole("article").getByText("done", { exact: true })).toBeVisible();
    await press(page, page.getByRole("link", { name: "Network" }));
    await isNew(page, "Network");
    await press(page, page.getByRole("link", { name: "People" }));
    await isNew(page, "People");
    await press(page, page.getByRole("link", { name: /ann/ }));
    await isNew(page, "ann");
    await press(page, page.getByRole("button", { name: "More for ann" }));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("menuitem").first()).toBeHidden();
  } finally {
    await world.end();
  }
});
