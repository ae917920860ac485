// Who may see an album is changed while it is shared.
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "@playwright/test";
import { drop, makePicture } from "./pictures";
import { isSound } from "./sound";
import { World } from "./world";

test("who is added sees the album appear, and who is taken out sees it vanish", async ({ browser }) => {
  const world = await World.start(["ann", "bob", "cat"]);
  try {
    await world.befriend("ann", "bob");
    await world.befriend("ann", "cat");
    const ann = await world.person("ann").browser(browser);
    const bob = await world.person("bob").browser(browser);
    const albums = ann.getByRole("heading", { name: "Albums", level: 1 });
    await expect(albums).toBeVisible();
    await drop(ann, albums, [await makePicture(ann, "IMG_1.jpg", 1)]);
    await ann.getByLabel("Name", { exact: true }).fill("Summer");
    await ann.getByRole("radio", { name: /People I name/ }).check();
    await ann.getByRole("checkbox", { name: "cat" }).check();
    await ann.getByRole("button", { name: "Share", exact: true }).click();
    await expect(ann.getByText(/for cat/)).toBeVisible();

    const change = async (say: (dialog: ReturnType<typeof ann.getByRole>) => Promise<void>) => {
      await ann.getByRole("button", { name: /^More for/ }).click();
      await ann.getByRole("menuitem", { name: "Who may see it" }).click();
      const dialog = ann.getByRole("dialog", { name: "Who may see it" });
      await say(dialog);
      await dialog.getByRole("button", { name: "Save" }).click();
      await expect(dialog).toBeHidden();
    };
    const card = bob.getByRole("link", { name: /Summer/ });
    await expect(bob.getByRole("heading", { name: "Albums", level: 1 })).toBeVisible();
    await expect(card).toBeHidden();
    await change(async (dialog) => {
      // For nobody it cannot be, and that is said.
      await dialog.getByRole("checkbox", { name: "cat" }).uncheck();
      const save = dialog.getByRole("button", { name: "Save" });
      await expect(save).toBeDisabled();
      await expect(save).toHaveAccessibleDescription("Choose who may see it.");
      await expect(dialog.getByText("Choose who may see it.")).toBeVisible();
      await dialog.getByRole("checkbox", { name: "cat" }).check();
      await expect(save).toHaveAccessibleDescription("");
      await dialog.getByRole("checkbox", { name: "bob" }).check();
    });
    await expect(ann.getByText(/for bob and cat|for cat and bob/)).toBeVisible();
    await expect(card).toBeVisible({ timeout: 30_000 });

    await change(async (dialog) => {
      await dialog.getByRole("checkbox", { name: "bob" }).uncheck();
    });
    await expect(card).toBeHidden({ timeout: 30_000 });

    // And from where it is shown as files.
    await ann.getByRole("button", { name: /^More for/ }).click();
    await ann.getByRole("menuitem", { name: "Show as files" }).click();
    await ann.getByRole("button", { name: "Link", exact: true }).click();
    await expect(ann.getByRole("img", { name: "The link as a QR code" })).toBeVisible();
    await isSound(ann, "a share of one's own, and its link");
    await ann.keyboard.press("Escape");
    await ann.getByRole("button", { name: /^More for/ }).click();
    await ann.getByRole("menuitem", { name: "Stop sharing" }).click();
    const dialog = ann.getByRole("dialog");
    await dialog.getByRole("switch", { name: "Delete these copies, too" }).check();
    await isSound(ann, "what becomes of an album that is shared no more");
    // Whoever thinks about it again has to say it again.
    await ann.keyboard.press("Escape");
    await ann.getByRole("button", { name: /^More for/ }).click();
    await ann.getByRole("menuitem", { name: "Stop sharing" }).click();
    const copies = dialog.getByRole("switch", { name: "Delete these copies, too" });
    await expect(copies).not.toBeChecked();
    const folder = join(world.person("ann").data, "albums", "Summer");
    expect(await readdir(folder)).toEqual(["IMG_1.jpg"]);
    await copies.check();
    await dialog.getByRole("button", { name: "Stop sharing" }).click();
    await expect(ann.getByRole("heading", { name: "Files", level: 1 })).toBeVisible();
    await expect(ann.getByRole("link", { name: /Summer/ })).toBeHidden();
    expect(await readdir(dirname(folder))).not.toContain("Summer");
  } finally {
    await world.end();
  }
});
