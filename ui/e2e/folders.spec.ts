// A folder of this computer is pointed to, and not typed: for an album, and for a download.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { makePicture } from "./pictures";
import { isSound } from "./sound";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let disk: string;

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  disk = join(world.folder, "disk");
  for (const folder of ["Alps", "Sea", "Seaside/2024", "<b>bold", ".hidden", "photo\u202egpj"]) {
    await mkdir(join(disk, folder), { recursive: true });
  }
  const page = await world.person("ann").browser(browser);
  await writeFile(join(disk, "Sea", "IMG_1.jpg"), (await makePicture(page, "IMG_1.jpg", 1)).buffer);
  await page.context().close();
});
test.afterAll(() => world?.end());

const picker = (page: Page) => page.getByRole("dialog", { name: "Pick a folder" });
/** Which folder is shown, and how many are in it. */
const current = (page: Page) => picker(page).getByRole("status").and(page.locator("[aria-busy]"));
const folders = (page: Page) => picker(page).getByRole("list", { name: "Folders" }).getByRole("button");

/** Ann's dialog for an album of a folder on the disk, at the picker. */
async function picking(page: Page): Promise<void> {
  await page.getByRole("button", { name: "New album" }).click();
  await page.getByRole("radio", { name: "A folder on this disk" }).check();
  await page.getByLabel("Path of the folder").fill(disk);
  await page.getByRole("button", { name: "Pick a folder…" }).click();
  await expect(folders(page).first()).toBeVisible();
}

test("an album is made of a folder that is picked by keys alone", async ({ browser }) => {
  const page = await world.person("ann").browser(browser);
  await page.getByRole("button", { name: "New album" }).press("Enter");
  await page.getByRole("radio", { name: "Drop or choose" }).focus();
  await page.keyboard.press("ArrowRight");
  const path = page.getByLabel("Path of the folder");
  await path.focus();
  await page.keyboard.type(disk);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Pick a folder…" })).toBeFocused();
  await page.keyboard.press("Enter");
  // Hidden ones are not shown, and names are shown as they are.
  await expect(folders(page)).toHaveText(["<b>bold", "Alps", "Sea", "Seaside", "photo␣202Egpj"]);
  await folders(page).first().focus();
  await page.keyboard.press("s");
  await expect(folders(page).nth(2)).toBeFocused();
  await page.keyboard.press("s");
  await expect(folders(page).nth(3)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(folders(page)).toHaveText(["2024"]);
  await expect(folders(page).first()).toBeFocused();
  await expect(current(page)).toContainText(join(disk, "Seaside"));
  await page.keyboard.press("Backspace");
  // Back where it was left.
  await expect(folders(page).nth(3)).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(current(page)).toContainText("No folders in here");
  await expect(current(page)).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(picker(page).getByRole("button", { name: "New folder" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Pick this folder" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(picker(page)).toBeHidden();
  await expect(path).toHaveValue(join(disk, "Sea"));
  await expect(page.getByRole("button", { name: "Pick a folder…" })).toBeFocused();
  // What its pictures say of places is told first.
  await expect(page.getByRole("button", { name: "Share", exact: true })).toBeEnabled();
  await page.getByRole("button", { name: "Share", exact: true }).press("Enter");
  await expect(page.getByRole("heading", { name: "Sea", level: 1 })).toBeVisible();
  await expect(page.getByRole("link", { name: "IMG_1.jpg" })).toBeVisible();
  await page.context().close();
});

test("a download goes into a folder that is picked", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  await page.getByRole("link", { name: /Sea/ }).click({ timeout: 30_000 });
  await page.getByRole("button", { name: "Download all" }).click();
  const field = page.getByLabel("Into this folder");
  // It could begin at once, where downloads usually go.
  await expect(field).toHaveValue(/^\//);
  await expect(page.getByRole("dialog").getByRole("button", { name: "Download" })).toBeEnabled();
  // What is not there yet is no place to begin at.
  await field.fill(join(disk, "none"));
  await page.getByRole("button", { name: "Pick a folder…" }).click();
  await expect(current(page)).not.toContainText(disk);
  await page.keyboard.press("Escape");
  await expect(picker(page)).toBeHidden();
  await expect(field).toHaveValue(join(disk, "none"));

  await field.fill(disk);
  await page.getByRole("button", { name: "Pick a folder…" }).click();
  await folders(page).filter({ hasText: "Alps" }).click();
  await page.getByRole("button", { name: "Pick this folder" }).click();
  await expect(field).toHaveValue(join(disk, "Alps"));
  await page.getByRole("dialog").getByRole("button", { name: "Download", exact: true }).click();
  const [sent, received] = [join(disk, "Sea", "IMG_1.jpg"), join(disk, "Alps", "Sea", "IMG_1.jpg")];
  await expect
    .poll(async () => (await readFile(received).catch(() => null))?.equals(await readFile(sent)), {
      timeout: 30_000,
    })
    .toBe(true);
  await page.context().close();
});

test("a folder that cannot be looked into, or written to, is told in words", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  await page.getByRole("link", { name: /Sea/ }).click({ timeout: 30_000 });
  await page.getByRole("button", { name: "Download all" }).click();
  // Where nobody can put anything, root included.
  await page.getByLabel("Into this folder").fill("/proc/sys");
  await page.getByRole("button", { name: "Pick a folder…" }).click();
  await folders(page).filter({ hasText: "kernel" }).click();
  await expect(picker(page).getByText("Nothing can be put in here.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Pick this folder" })).toBeDisabled();
  await picker(page).getByRole("button", { name: "All of it" }).click();
  await expect(picker(page).getByRole("button", { name: "Up" })).toBeDisabled();
  await page.context().close();
});

test("a folder is made where a download is to go", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  await page.getByRole("link", { name: /Sea/ }).click({ timeout: 30_000 });
  await page.getByRole("button", { name: "Download all" }).click();
  await page.getByLabel("Into this folder").fill(disk);
  await page.getByRole("button", { name: "Pick a folder…" }).click();
  const add = picker(page).getByRole("button", { name: "New folder" });
  await add.click();
  const name = picker(page).getByLabel("Name of the new folder");
  await expect(name).toBeFocused();
  await picker(page).getByRole("button", { name: "Make it" }).click();
  await expect(name).toHaveAccessibleDescription("Give it a name.");
  await name.focus();
  // Escape leaves what it is pressed in, and no more.
  await page.keyboard.press("Escape");
  await expect(name).toBeHidden();
  await expect(add).toBeFocused();
  await page.keyboard.press("Enter");
  for (const [wrong, words] of [
    ["Alps", /there is .*Alps already; give the new one another name/i],
    ["../out", /no folder can be called "\.\.\/out": a name contains a path separator/i],
    [".hidden", /begin with a dot are hidden/],
  ] as const) {
    await name.fill(wrong);
    await page.keyboard.press("Enter");
    await expect(name).toHaveAccessibleDescription(words);
    await expect(name).toHaveAttribute("aria-invalid", "true");
    await expect(name).toHaveValue(wrong);
  }
  await isSound(page, "a folder that is made");
  await page.screenshot({ path: test.info().outputPath("new-folder.png") });
  await name.fill("<i>Bob's");
  await page.keyboard.press("Enter");
  // It is the one that is shown then.
  await expect(current(page)).toContainText(join(disk, "<i>Bob's"));
  await expect(name).toBeHidden();
  await expect(current(page)).toBeFocused();
  await page.getByRole("button", { name: "Pick this folder" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Download", exact: true }).click();
  const received = join(disk, "<i>Bob's", "Sea", "IMG_1.jpg");
  await expect
    .poll(async () => (await readFile(received).catch(() => Buffer.alloc(0))).length, { timeout: 30_000 })
    .toBeGreaterThan(0);
  await page.context().close();
});

test("a folder that is gone is told, and the picker stays where it was", async ({ browser }) => {
  const page = await world.person("ann").browser(browser);
  await picking(page);
  await page.route(/api\/v1\/folders/, (route) =>
    route.fulfill({
      status: 404,
      contentType: "application/json",
      body: JSON.stringify({ kind: "not_found", message: "there is no folder /gone" }),
    }),
  );
  await folders(page).first().click();
  await expect(picker(page).getByRole("alert")).toContainText(/there is no folder \/gone/i);
  await expect(current(page)).toContainText(disk);
  await page.keyboard.press("Escape");
  await expect(picker(page)).toBeHidden();
  await expect(page.getByRole("dialog", { name: "New album" })).toBeVisible();
  // A chooser of the system's that is left without a choice says "cancel" to what lies around it.
  const inputs = page.getByRole("dialog", { name: "New album" });
  await page.getByRole("radio", { name: "Drop or choose" }).check();
  await inputs.locator("input[type=file]").first().dispatchEvent("cancel");
  await expect(inputs).toBeVisible();
  await page.context().close();
});

for (const [screen, options] of Object.entries({
  wide: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: "dark", isMobile: true, hasTouch: true },
} as const)) {
  test(`the picker is sound: ${screen}`, async ({ browser }, info) => {
    const page = await world.person("ann").browser(browser, options);
    await picking(page);
    await page.evaluate(() =>
      Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))),
    );
    await page.screenshot({ path: info.outputPath("picker.png") });
    const { violations } = await new AxeBuilder({ page }).analyze();
    const serious = violations.filter((it) => it.impact === "serious" || it.impact === "critical");
    expect(serious.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join("\n  ")}`)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
    await page.context().close();
  });
}
