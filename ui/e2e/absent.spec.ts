// An album whose folder is away, as when its disk is not plugged in: its owner and whoever looks are told, with what to do, and it goes on when it is back.
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { makePicture } from "./pictures";
import { isSound, shine } from "./sound";
import { World } from "./world";

const PHONE = { width: 360, height: 740 };

test("a folder that is away is told to its owner and to whoever looks, and heals", async ({
  browser,
}, info) => {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const at = (...parts: string[]) => join(world.folder, ...parts);
    const [ann, bob] = [world.person("ann"), world.person("bob")];
    const mine = await ann.browser(browser);
    await mkdir(at("Trip"));
    for (const number of [1, 2]) {
      const { name, buffer } = await makePicture(mine, `IMG_${number}.jpg`, number);
      await writeFile(at("Trip", name), buffer);
    }
    // Of the other one there is no small picture yet.
    const share = await ann.sharePictures(at("Trip"), ["IMG_1.jpg"]);
    await mine.goto(`${new URL(mine.url()).origin}/#/albums/mine/${share}`);
    await expect(mine.getByRole("link", { name: "IMG_1.jpg" })).toBeVisible();
    // Somebody looks at it all the while.
    const theirs = await bob.browser(browser);
    await theirs.goto(`${new URL(theirs.url()).origin}/#/albums/${await ann.peerId()}/${share}`);
    await expect(theirs.getByRole("link", { name: "IMG_1.jpg" })).toBeVisible();
    const away = theirs.getByText(/not where ann shares them from.*Tell them, or wait: it goes on by itself/);
    await expect(away).toBeHidden();
    await rename(at("Trip"), at("Disk"));

    // Its owner.
    const told = mine.getByText(/Its folder is not there: .*Trip.*Put it back, or plug its disk in/);
    await expect(told).toBeVisible({ timeout: 30_000 });
    for (const colorScheme of ["light", "dark"] as const) {
      await shine(mine, colorScheme);
      await mine.screenshot({ path: info.outputPath(`absent-${colorScheme}.png`) });
      await isSound(mine, `an album whose folder is away, ${colorScheme}`);
    }
    await mine.setViewportSize(PHONE);
    await mine.screenshot({ path: info.outputPath("absent-phone.png") });
    await isSound(mine, "an album whose folder is away, on a phone");
    await mine.getByRole("link", { name: "IMG_2.jpg" }).click();
    await expect(mine.getByRole("alert")).toContainText("Its folder is not there");
    await mine.keyboard.press("Escape");
    await mine.goto(`${new URL(mine.url()).origin}/#/settings`);
    await mine.getByRole("button", { name: "Have a look" }).click();
    await expect(
      mine.getByRole("listitem").filter({ hasText: /^\s*What you share\s+Trip cannot be given/ }),
    ).toBeVisible();
    await mine.goto(`${new URL(mine.url()).origin}/#/albums`);
    await expect(mine.getByRole("link", { name: /Trip.*Its folder is not there/ })).toBeVisible();

    // Whoever looks: at the album, which they are told while they do, and when they open it,
    await expect(away).toBeVisible({ timeout: 30_000 });
    for (const colorScheme of ["light", "dark"] as const) {
      await shine(theirs, colorScheme);
      await theirs.screenshot({ path: info.outputPath(`absent-theirs-${colorScheme}.png`) });
      await isSound(theirs, `somebody's album whose folder is away, ${colorScheme}`);
    }
    await theirs.reload();
    await expect(away).toBeVisible();
    // at a picture that is not here,
    await theirs.getByRole("link", { name: "IMG_2.jpg" }).click();
    const why = theirs.getByRole("alert");
    await expect(why).toContainText(/not where ann shares them from.*Tell them, or wait/);
    await theirs.screenshot({ path: info.outputPath("absent-theirs.png") });
    await isSound(theirs, "a picture whose folder is away");
    await theirs.keyboard.press("Escape");
    // and at a download.
    await theirs.getByRole("button", { name: "Download all" }).click();
    await theirs.getByLabel("Into this folder").fill(at("bobs"));
    await theirs.getByRole("dialog").getByRole("button", { name: "Download" }).click();
    await theirs.getByRole("link", { name: "See how it goes" }).click();
    const card = theirs.getByRole("article");
    await expect(card).toContainText("it is not where they share it from: tell them, or wait", {
      timeout: 30_000,
    });
    await isSound(theirs, "a download whose folder is away");

    // It is back, and all goes on by itself.
    const looking = await bob.browser(browser);
    await looking.goto(
      `${new URL(looking.url()).origin}/#/albums/${await ann.peerId()}/${share}?view=IMG_2.jpg`,
    );
    const dialog = looking.getByRole("dialog");
    await expect(dialog.getByRole("alert")).toContainText(/not where ann shares them from/);
    await rename(at("Disk"), at("Trip"));
    await expect(dialog.locator("img.full.shown")).toBeVisible({ timeout: 90_000 });
    await looking.keyboard.press("Escape");
    await expect(looking.getByText(/not where ann shares them from/)).toBeHidden();
    await expect(card).toContainText("done", { timeout: 90_000 });
    const [came, shared] = await Promise.all(
      ["bobs/Trip", "Trip"].map((folder) => readFile(at(folder, "IMG_2.jpg"))),
    );
    expect(came?.equals(shared ?? Buffer.alloc(0))).toBe(true);
    await expect(mine.getByRole("link", { name: /Trip/ })).not.toContainText("not there", {
      timeout: 30_000,
    });
    await mine.getByRole("link", { name: /Trip/ }).click();
    await expect(mine.getByRole("link", { name: "IMG_2.jpg" })).toBeVisible();
    await expect(told).toBeHidden();
  } finally {
    await world.end();
  }
});
