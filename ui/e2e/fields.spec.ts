// What is said at a field: a name that cannot be had, an album's that can be none, a number that is none; what is begun is not lost by a key; a phone held sideways.
import { expect, test, type Page } from "@playwright/test";
import { drop, makePicture } from "./pictures";
import { isSound } from "./sound";
import { World } from "./world";

let world: World;

test.beforeAll(async () => {
  world = await World.befriended(["ann", "bob"]);
});
test.afterAll(() => world?.end());

const to = async (page: Page, at: string) => page.goto(`${new URL(page.url()).origin}/#/${at}`);

test("a name that cannot be had is told at its field, and one with joiners is taken", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  const asked = { reusable: true, seconds: 3600, addresses: true };
  const { invite } = await world.person("ann").api<{ invite: string }>("POST", "/invites", asked);
  await to(page, `people/${await world.person("ann").peerId()}`);
  const joined = "علی\u200cرضا";
  await page.getByRole("button", { name: /^More for/ }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  const field = page.getByLabel("New name");
  await field.fill("a/b:c");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(field).toHaveAccessibleDescription(/neither '\/' nor ':'/);
  await field.fill(joined);
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(joined);

  await to(page, "settings");
  await page.getByLabel("Your name").fill("a/b:c");
  const you = page.locator("section", { has: page.getByRole("heading", { name: "You", exact: true }) });
  await you.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Your name")).toHaveAccessibleDescription(/neither '\/' nor ':'/);

  await to(page, "people");
  await page.getByRole("button", { name: "Add someone" }).click();
  await page.getByLabel("Invite", { exact: true }).fill(invite);
  await page.getByLabel("What you call them").fill("peer1x");
  await page.getByRole("button", { name: "Add them" }).click();
  await expect(page.getByLabel("What you call them")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Invite", { exact: true })).toHaveAttribute("aria-invalid", "false");
  await isSound(page, "a name that cannot be had");
  await page.context().close();
});

test("room for copies that is no number is told at its field", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  await to(page, "settings");
  const field = page.getByLabel("Room for copies, in MiB");
  const before = await field.inputValue();
  for (const wrong of ["", "1".repeat(20)]) {
    await field.fill(wrong);
    await field.press("Enter");
    await expect(field).toHaveAccessibleDescription(/whole number/);
  }
  const settings = await world.person("bob").api<{ copies_mebibytes: number }>("GET", "/settings");
  expect(String(settings.copies_mebibytes)).toBe(before);
  // The nodes of stories run with `--no-lan`.
  const lan = page.getByRole("switch", { name: "On the local network" });
  await expect(lan).not.toBeChecked();
  await expect(lan).toBeDisabled();
  await expect(lan).toHaveAccessibleDescription(/started without it/);
  await page.context().close();
});

test("an album's name is judged where it is typed, and Escape asks before it loses anything", async ({
  browser,
}) => {
  const page = await world.person("ann").browser(browser);
  const picture = await makePicture(page, "IMG_1.jpg", 1);
  await to(page, "albums");
  await drop(page, page.getByRole("heading", { name: "Albums", level: 1 }), [picture]);
  const field = page.getByLabel("Name", { exact: true });
  await field.fill("Holiday 12/24");
  await expect(field).toHaveAccessibleDescription(/neither \/ nor/);
  await expect(page.getByRole("button", { name: "Share", exact: true })).toBeDisabled();
  const dialog = page.getByRole("dialog");
  for (const stays of ["by key", "by button"]) {
    await page.keyboard.press("Escape");
    await expect(dialog.getByText("Close this, and lose what you began?")).toBeVisible();
    await expect(dialog.getByRole("button", { name: "Go on with it" })).toBeFocused();
    await isSound(page, "what would be lost");
    if (stays === "by key") await page.keyboard.press("Escape");
    else await dialog.getByRole("button", { name: "Go on with it" }).click();
    await expect(field).toHaveValue("Holiday 12/24");
  }
  await page.keyboard.press("Escape");
  await dialog.getByRole("button", { name: "Lose it" }).click();
  await expect(dialog).toBeHidden();
  await page.context().close();
});

test("every page is in reach on a phone that is held sideways", async ({ browser }) => {
  const page = await world.person("ann").browser(browser, { viewport: { width: 740, height: 360 } });
  await to(page, "albums");
  for (const name of ["Albums", "Files", "People", "Network", "Settings"])
    await expect(page.getByRole("navigation").getByRole("link", { name })).toBeInViewport({ ratio: 1 });
  await isSound(page, "sideways");
  await page.context().close();
});
