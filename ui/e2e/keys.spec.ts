// The whole way without a mouse: from the first page to the bytes on the disk, and not one call of `click`.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Locator, type Page } from "@playwright/test";
import { makePicture } from "./pictures";
import { World } from "./world";

/** More presses than any page has things to press. */
const TABS_MAX = 60;

/** Presses Tab until something has the focus, as whoever has no mouse does. */
async function tabTo(page: Page, to: Locator): Promise<void> {
  await expect(to).toBeVisible({ timeout: 30_000 });
  for (let press = 0; press < TABS_MAX; press += 1) {
    if (await to.evaluate((it) => it === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${to}`);
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
    await tabTo(page, name);
    await page.keyboard.press("End");
    await page.keyboard.type("by");
    await page.keyboard.press("Enter");
    await tabTo(page, page.getByRole("radio", { name: "Your invite" }));
    await page.keyboard.press("ArrowRight");
    await tabTo(page, page.getByLabel("Invite", { exact: true }));
    await page.keyboard.insertText(invite);
    await expect(page.getByText("calls themselves “ann”")).toBeVisible();
    await press(page, page.getByRole("button", { name: "Add", exact: true }));
    await press(page, page.getByRole("button", { name: "Make an album" }));

    // The album, and its pictures.
    await press(page, page.getByRole("link", { name: /Summer/ }));
    const tile = (at: number) => page.getByRole("link", { name: `IMG_${at}.jpg` });
    await tabTo(page, tile(1));
    await page.keyboard.press("ArrowRight");
    await expect(tile(2)).toBeFocused();
    await page.keyboard.press("Enter");
    const box = page.getByRole("dialog");
    await expect(box).toHaveAccessibleName("IMG_2.jpg");
    await page.keyboard.press("ArrowRight");
    await expect(box).toHaveAccessibleName("IMG_3.jpg");
    await page.keyboard.press("Escape");
    await expect(box).toBeHidden();

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
    await press(page, page.getByRole("link", { name: "Files" }));
    await press(page, page.getByRole("link", { name: "Transfers" }));
    await expect(page.getByRole("article").getByText("done", { exact: true })).toBeVisible();
    await press(page, page.getByRole("link", { name: "People" }));
    await press(page, page.getByRole("link", { name: /ann/ }));
    await press(page, page.getByRole("button", { name: "More for ann" }));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("menuitem").first()).toBeHidden();
  } finally {
    await world.end();
  }
});
