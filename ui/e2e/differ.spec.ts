// Safety words that are not the same on both sides: what that means is said, and what was believed is believed no more.
import { expect, test, type Page } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let page: Page;

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  await world.people[0]?.api("POST", "/contacts/bob/tags", { add: ["choir"] });
  page = await world.person("ann").browser(browser, { viewport: { width: 360, height: 740 } });
  await page.goto(`${new URL(page.url()).origin}/#/people`);
  await page.getByRole("link", { name: /bob/ }).click();
});
test.afterAll(() => world?.end());

const dialog = () => page.getByRole("dialog");
const words = () => page.getByRole("button", { name: "Compare safety words" });
const tags = async () =>
  (await world.person("ann").api<{ tags: string[] }[]>("GET", "/contacts"))[0]?.tags ?? [];

async function differ(): Promise<void> {
  await expect(dialog().getByRole("listitem").first()).toBeVisible();
  await dialog().getByRole("button", { name: "They differ" }).click();
}

test("whoever was verified is so no more, and it is said why", async ({ browserName }, info) => {
  await words().click();
  await dialog().getByRole("button", { name: "They are the same" }).click();
  await expect.poll(tags).toEqual(["choir", "verified"]);
  await words().click();
  await differ();
  await expect(dialog().getByRole("heading", { name: "The words differ" })).toBeFocused();
  await expect(dialog().getByText(/somebody else may stand between you and bob/)).toBeVisible();
  await expect(dialog().getByRole("button", { name: "They are the same" })).toBeHidden();
  await expect.poll(tags).toEqual(["choir", "unverified"]);
  await page.screenshot({ path: info.outputPath(`differ-${browserName}.png`) });
  await isSound(page, "words that differ");

  // It stays to be seen, on their page and among the others.
  await page.keyboard.press("Escape");
  await expect(page.getByRole("heading", { name: "The words differ" })).toBeVisible();
  await page.reload();
  await expect(page.getByText("You compared words with bob, and they differed.")).toBeVisible();
  await isSound(page, "somebody whose words differed");
  await page.goto(`${new URL(page.url()).origin}/#/people`);
  await expect(page.getByRole("link", { name: /bob.*unverified/ })).toBeVisible();
  await page.getByRole("link", { name: /bob/ }).click();
});

test("whoever misread compares once more, and all is well", async () => {
  await page.getByRole("button", { name: "Compare once more" }).click();
  await differ();
  await dialog().getByRole("button", { name: "Compare once more" }).click();
  await dialog().getByRole("button", { name: "They are the same" }).click();
  await expect.poll(tags).toEqual(["choir", "verified"]);
  await expect(page.getByRole("heading", { name: "The words differ" })).toBeHidden();
});

test("who may be somebody else is blocked there and then, or removed", async () => {
  await words().click();
  await differ();
  await dialog().getByRole("button", { name: "Block" }).click();
  await expect(dialog()).toBeHidden();
  await expect(page.getByText("Blocked", { exact: true })).toBeVisible();
  const states = async () =>
    (await world.person("ann").api<{ state: string }[]>("GET", "/contacts")).map(({ state }) => state);
  expect(await states()).toEqual(["blocked"]);
  await words().click();
  await differ();
  await dialog().getByRole("button", { name: "Remove" }).click();
  await expect(page.getByRole("heading", { name: "People", level: 1 })).toBeFocused();
  expect(await states()).toEqual([]);
});
