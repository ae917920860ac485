// Somebody who was blocked by mistake: they are let in again by a new invite, as the app says, and nothing of before is lost.
import { expect, test, type Page } from "@playwright/test";
import { drop, makePicture } from "./pictures";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let ann: Page;
let bob: Page;

const to = (page: Page, at: string) => page.goto(`${new URL(page.url()).origin}/#/${at}`);
const card = () => bob.getByRole("link", { name: /Summer/ });
const ofBob = async (item: string) => {
  await ann.getByRole("button", { name: "More for bob" }).click();
  await ann.getByRole("menuitem", { name: item, exact: true }).click();
};

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  ann = await world.person("ann").browser(browser);
  bob = await world.person("bob").browser(browser);
  await drop(ann, ann.getByRole("heading", { name: "Albums", level: 1 }), [
    await makePicture(ann, "IMG_1.jpg", 1),
  ]);
  await ann.getByLabel("Name", { exact: true }).fill("Summer");
  await ann.getByRole("button", { name: "Share", exact: true }).click();
  await expect(card()).toBeVisible({ timeout: 30_000 });
});
test.afterAll(() => world?.end());

test("who is blocked sees nothing any more, and unblocked nothing yet", async () => {
  await to(ann, "people");
  await ann.getByRole("link", { name: /bob/ }).click();
  await ofBob("Block");
  await ann.getByRole("dialog").getByRole("button", { name: "Block" }).click();
  await expect(ann.getByText("Blocked", { exact: true })).toBeVisible();
  await expect(card()).toBeHidden({ timeout: 60_000 });
  await ofBob("Unblock");
  // What is to be done now is said at once, and stays to be read.
  await expect(ann.getByText(/bob is not blocked any more\. To meet again/)).toBeVisible();
  await expect(card()).toBeHidden();
});

test("a new invite brings them back, and what was shared with them", async () => {
  await to(ann, "people");
  await ann.getByRole("button", { name: "Invite someone" }).click();
  const invite = await ann.getByLabel("Invite as text").inputValue();
  await ann.keyboard.press("Escape");

  await to(bob, "people");
  await bob.getByRole("button", { name: "Add someone" }).click();
  await bob.getByLabel("Invite", { exact: true }).fill(invite);
  // Whose it is, is known; and why somebody known sends one.
  await expect(bob.getByText(/An invite from ann, who is in your address book/)).toBeVisible();
  await bob.getByRole("button", { name: "Add them" }).click();
  await expect(bob.getByRole("heading", { name: "ann", level: 1 })).toBeVisible({ timeout: 30_000 });

  await ann.getByRole("link", { name: /bob/ }).click();
  await expect(ann.getByText(/Direct/).first()).toBeVisible({ timeout: 30_000 });
  const letIn = ann.getByRole("button", { name: "Let in" });
  if (await letIn.isVisible()) await letIn.click();
  await to(bob, "albums");
  await expect(card()).toBeVisible({ timeout: 60_000 });
  await card().click();
  await expect(bob.locator(".thumb.shown").first()).toBeVisible({ timeout: 30_000 });
  const states = async () =>
    (await world.person("ann").api<{ name: string; state: string }[]>("GET", "/contacts")).map(
      ({ name, state }) => `${name} ${state}`,
    );
  expect(await states(), "the same contact as before").toEqual(["bob confirmed"]);
});
