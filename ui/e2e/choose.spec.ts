// What is chosen in somebody's album to be downloaded: pictures one by one, many of them at once by Shift, and folders with all that is in them.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { makePicture } from "./pictures";
import { isSound, shine } from "./sound";
import { World } from "./world";

const PICTURES = 8;

test("a range of pictures and a whole folder are chosen, and those alone are downloaded", async ({
  browser,
}, info) => {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const at = (...parts: string[]) => join(world.folder, ...parts);
    const [ann, bob] = [world.person("ann"), world.person("bob")];
    const page: Page = await bob.browser(browser);
    await mkdir(at("Trip", "Deep", "Deeper"), { recursive: true });
    await mkdir(at("Trip", "Other"));
    const names = Array.from({ length: PICTURES }, (_, number) => `IMG_${number + 1}.jpg`);
    for (const [seed, name] of names.entries()) {
      await writeFile(at("Trip", name), (await makePicture(page, name, seed)).buffer);
    }
    for (const one of ["Deep/one.jpg", "Deep/Deeper/two.jpg", "Other/three.jpg"]) {
      await writeFile(at("Trip", one), (await makePicture(page, one, 9)).buffer);
    }
    const share = await ann.sharePictures(at("Trip"), names);
    await page.goto(`${new URL(page.url()).origin}/#/albums/${await ann.peerId()}/${share}`);
    await page.getByRole("button", { name: "Choose", exact: true }).click();

    const picture = (number: number) => page.getByRole("button", { name: `IMG_${number}.jpg` });
    const chosen = async () =>
      (
        await page
          .getByRole("main")
          .getByRole("button", { pressed: true })
          .evaluateAll((all) => all.map((it) => it.getAttribute("aria-label") ?? it.textContent))
      ).map((it) => it?.trim());
    const pictures = (from: number, to: number) => names.slice(from - 1, to);

    // By the mouse: from the one that was pressed last, forth and back.
    await picture(3).click();
    await picture(6).click({ modifiers: ["Shift"] });
    await expect.poll(chosen).toEqual(pictures(3, 6));
    await picture(4).click({ modifiers: ["Shift"] });
    await expect.poll(chosen).toEqual(pictures(3, 4));
    await picture(1).click({ modifiers: ["Shift"] });
    await expect.poll(chosen).toEqual(pictures(1, 3));
    // One by itself leaves the others as they are.
    await picture(2).click();
    await expect.poll(chosen).toEqual(["IMG_1.jpg", "IMG_3.jpg"]);

    // By keys: from where the focus is.
    await picture(5).focus();
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Shift+ArrowRight");
    await expect(picture(7)).toBeFocused();
    await expect.poll(chosen).toEqual(["IMG_1.jpg", "IMG_3.jpg", ...pictures(5, 7)]);
    await page.keyboard.press("Shift+ArrowLeft");
    await expect.poll(chosen).toEqual(["IMG_1.jpg", "IMG_3.jpg", ...pictures(5, 6)]);
    // Without Shift it only goes on.
    await page.keyboard.press("ArrowRight");
    await expect.poll(chosen).toEqual(["IMG_1.jpg", "IMG_3.jpg", ...pictures(5, 6)]);

    // A folder, in one go.
    const folder = page.getByRole("button", { name: /^Deep/ });
    await expect(folder).toHaveAttribute("aria-pressed", "false");
    await folder.click();
    await expect(folder).toHaveAttribute("aria-pressed", "true");
    for (const colorScheme of ["light", "dark"] as const) {
      await shine(page, colorScheme);
      await page.screenshot({ path: info.outputPath(`choose-${colorScheme}.png`) });
      await isSound(page, `choosing, ${colorScheme}`);
    }
    const wide = page.viewportSize() ?? { width: 1280, height: 720 };
    await page.setViewportSize({ width: 360, height: 740 });
    await page.screenshot({ path: info.outputPath("choose-phone.png") });
    await isSound(page, "choosing, on a phone");
    await page.setViewportSize(wide);

    await page.getByRole("button", { name: "Download 5" }).click();
    // Four pictures, and two files in the folder.
    await expect(page.getByRole("dialog").getByText("Download 6 files")).toBeVisible();
    await page.getByLabel("Into this folder").fill(at("bobs"));
    await page.getByRole("dialog").getByRole("button", { name: "Download" }).click();
    const came = async () =>
      (await readdir(at("bobs", "Trip"), { recursive: true }).catch(() => [])).toSorted();
    await expect
      .poll(came, { timeout: 30_000 })
      .toEqual(
        ["Deep", "Deep/Deeper", "Deep/Deeper/two.jpg", "Deep/one.jpg"]
          .concat(names[0] ?? [], names[2] ?? [], pictures(5, 6))
          .toSorted(),
      );
    const [one, other] = await Promise.all(
      ["bobs/Trip", "Trip"].map((it) => readFile(at(it, "Deep", "Deeper", "two.jpg"))),
    );
    expect(one?.equals(other ?? Buffer.alloc(0))).toBe(true);

    // All of what can be chosen; and a folder leads into it again when nothing is chosen any more.
    await page.getByRole("button", { name: "Choose", exact: true }).click();
    await page.getByRole("button", { name: "All", exact: true }).click();
    await expect(page.getByRole("button", { name: `Download ${PICTURES + 2}` })).toBeVisible();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("link", { name: /^Deep/ }).click();
    await expect(page.getByRole("heading", { name: "Deep", level: 1 })).toBeVisible();
  } finally {
    await world.end();
  }
});
