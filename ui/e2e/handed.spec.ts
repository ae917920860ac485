// What somebody was sent, an invite or a link, wherever it is handed over: both are known for what they are in both places, and lead to where they should.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Locator, type Page } from "@playwright/test";
import { codeFilm, codePicture } from "./codes";
import { drop, dropText, makePicture } from "./pictures";
import { isSound } from "./sound";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let link: string;

test.beforeAll(async () => {
  world = await World.start(["ann", "bob"]);
  const papers = join(world.folder, "Papers");
  await mkdir(papers);
  await writeFile(join(papers, "plan.txt"), "by train");
  const asked = { paths: [papers], audience: "link" };
  ({ link } = await world.person("ann").api<{ link: string }>("POST", "/shares", asked));
});
test.afterAll(() => world?.end());

async function invite(): Promise<string> {
  const asked = { reusable: false, seconds: 3600, addresses: true };
  return (await world.person("ann").api<{ invite: string }>("POST", "/invites", asked)).invite;
}

const NEITHER = "This is neither an invite nor a link.";
const at = (page: Page, where: string) => page.goto(`${new URL(page.url()).origin}/#/${where}`);
const open = (of: Page | Locator) => of.getByRole("button", { name: "Open it" });
const add = (of: Page | Locator) => of.getByRole("button", { name: "Add them" });

test("a link is opened under Files, as a picture of its code, as text that is dropped, and typed", async ({
  browser,
}) => {
  const page = await world.person("bob").browser(browser);
  const isOpened = async () => {
    await expect(page.getByText(/^A link to “Papers”/)).toBeVisible();
    await open(page).click();
    await expect(page.getByRole("heading", { name: "Papers", level: 1 })).toBeVisible();
    await expect(page.getByText("plan.txt")).toBeVisible();
    await at(page, "files");
  };
  await at(page, "files");
  const field = page.getByLabel("Open a link that you were sent");
  const form = page.locator("form", { has: field });

  const picture = await codePicture(page, link);
  await drop(page, form, [picture]);
  await expect(field).toHaveValue(link.toUpperCase());
  await isOpened();
  const chosen = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "From a picture" }).click();
  await (await chosen).setFiles(picture);
  await isOpened();
  await dropText(page, form, `Here it is: ${link}`);
  await isOpened();
  await field.fill(link);
  await field.press("Enter");
  await expect(page.getByText("plan.txt")).toBeVisible();
  await page.context().close();
});

test("a link is opened where an invite is asked for", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  await at(page, "people");
  await page.getByRole("button", { name: "Add someone" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Add someone" });
  await dialog.getByLabel("Invite", { exact: true }).fill(link);
  await expect(dialog.getByText(/^A link to “Papers”/)).toBeVisible();
  await expect(add(dialog)).toBeHidden();
  await open(dialog).click();
  await expect(page.getByRole("heading", { name: "Papers", level: 1 })).toBeVisible();
  await expect(dialog).toBeHidden();
  await page.context().close();
});

test("what is neither is told in one sentence, in both places, and nothing can be pressed", async ({
  browser,
}, info) => {
  const page = await world.person("bob").browser(browser);
  await at(page, "files");
  const field = page.getByLabel("Open a link that you were sent");
  await field.fill("https://example.org/kith:something");
  await expect(page.getByText(NEITHER)).toBeVisible();
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(open(page)).toBeDisabled();
  const form = page.locator("form", { has: field });
  await drop(page, form, [await makePicture(page, "sea.jpg", 1)]);
  await expect(page.getByText("No code was found in this picture.")).toBeVisible();
  // One letter is wrong: the node says so.
  await field.fill(`${link.slice(0, -1)}${link.endsWith("q") ? "p" : "q"}`);
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(open(page)).toBeDisabled();
  await page.screenshot({ path: info.outputPath("files.png") });
  await isSound(page, "files with what is no link");

  await at(page, "people");
  await page.getByRole("button", { name: "Add someone" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Add someone" });
  await dialog.getByLabel("Invite", { exact: true }).fill("good morning");
  await expect(dialog.getByText(NEITHER)).toBeVisible();
  await expect(add(dialog)).toBeDisabled();
  await isSound(page, "adding somebody by what is no invite");
  await page.context().close();
});

test("a link is scanned by the camera under Files", async ({ playwright, launchOptions }) => {
  const seen = join(world.folder, "camera.y4m");
  await writeFile(seen, codeFilm(link));
  const camera = ["--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${seen}`];
  const args = [...(launchOptions.args ?? []), ...camera];
  const browser = await playwright.chromium.launch({ ...launchOptions, args });
  try {
    const page = await world.person("bob").browser(browser, { permissions: ["camera"] });
    await at(page, "files");
    await page.getByRole("button", { name: "Scan with camera" }).click();
    await expect(page.getByText(/^A link to “Papers”/)).toBeVisible({ timeout: 30_000 });
    await expect(page.locator("video")).toHaveCount(0);
    await open(page).click();
    await expect(page.getByText("plan.txt")).toBeVisible();
  } finally {
    await browser.close();
  }
});

test("an invite that is handed over under Files adds its maker", async ({ browser }) => {
  const page = await world.person("bob").browser(browser, { viewport: { width: 360, height: 740 } });
  await at(page, "files");
  await page.getByLabel("Open a link that you were sent").fill(await invite());
  await expect(page.getByText("An invite from somebody who calls themselves “ann”.")).toBeVisible();
  await isSound(page, "files with an invite");
  await add(page).click();
  const dialog = page.getByRole("dialog", { name: "Add someone" });
  await expect(dialog.getByText("calls themselves “ann”")).toBeVisible();
  await dialog.getByLabel("What you call them").fill("Annie");
  await add(dialog).click();
  await expect(page.getByRole("heading", { name: "Annie", level: 1 })).toBeVisible();
  const contacts = await world.person("ann").api<{ name: string }[]>("GET", "/contacts");
  expect(contacts.map(({ name }) => name)).toEqual(["bob"]);
  await page.context().close();
});
