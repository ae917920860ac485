// What people call themselves is hostile as anything of theirs is: text wherever it stands.
import { expect, test } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

/** A name that would be markup. */
const MARKUP = "<img src=x onerror=alert(1)>";

test("whoever calls themselves as markup is called so, and nothing of it runs", async ({ browser }) => {
  const world = await World.start(["ann", MARKUP]);
  try {
    const [ann, other] = [world.person("ann"), world.person(MARKUP)];
    const page = await ann.browser(browser);
    page.on("dialog", () => {
      throw new Error("something of a peer's ran");
    });
    const open = async (at: string) => {
      await page.goto(`${new URL(page.url()).origin}/#/${at}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    };
    // Before they are met,
    const asked = { reusable: false, seconds: 3600, addresses: true };
    const { invite } = await other.api<{ invite: string }>("POST", "/invites", asked);
    await open("people");
    await page.getByRole("button", { name: "Add someone" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Invite", { exact: true }).fill(invite);
    await expect(dialog.getByText(`calls themselves “${MARKUP}”`)).toBeVisible();
    await dialog.getByRole("button", { name: "Add them" }).click();
    // and wherever they are named.
    await expect(page.getByRole("heading", { name: MARKUP, level: 1 })).toBeVisible();
    await expect(page.getByRole("heading", { name: `What ${MARKUP} shares with you` })).toBeVisible();
    await isSound(page, "somebody with a name of markup");
    await open("people");
    await expect(page.getByRole("link", { name: MARKUP })).toBeVisible();
    await open("network");
    await expect(page.getByRole("row", { name: MARKUP })).toBeVisible({ timeout: 30_000 });
    await open("files");
    await page.getByRole("button", { name: "Share something" }).first().click();
    await dialog.getByRole("radio", { name: /People I name/ }).check();
    await expect(dialog.getByRole("checkbox", { name: MARKUP })).toBeVisible();
    expect(await page.locator("img[src=x]").count()).toBe(0);
  } finally {
    await world.end();
  }
});
