// An invite by camera, as a picture that is dropped or pasted, and as text; and what is none.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Locator, type Page } from "@playwright/test";
import { codeFilm, codePicture } from "./codes";
import { drop, makePicture, type Picture } from "./pictures";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;

test.beforeAll(async () => {
  world = await World.start(["ann", "bob"]);
});
test.afterAll(() => world?.end());

async function invite(): Promise<string> {
  const asked = { reusable: false, seconds: 3600, addresses: true };
  return (await world.person("ann").api<{ invite: string }>("POST", "/invites", asked)).invite;
}

/** Bob's dialog for adding somebody. */
async function adding(page: Page): Promise<Locator> {
  await page.goto(`${new URL(page.url()).origin}/#/people`);
  await page.getByRole("button", { name: "Add someone" }).first().click();
  return page.getByRole("dialog", { name: "Add someone" });
}

test("an invite that is dropped or pasted as a picture is read", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  const dialog = await adding(page);
  const field = dialog.getByLabel("Invite", { exact: true });
  const text = await invite();
  const picture = await codePicture(page, text);

  await drop(page, dialog.locator("form"), [picture]);
  await expect(field).toHaveValue(text.toUpperCase());
  await expect(dialog.getByText("calls themselves “ann”")).toBeVisible();

  await field.fill("");
  await paste(field, picture);
  await expect(field).toHaveValue(text.toUpperCase());

  await field.fill("");
  const data = await page.evaluateHandle((text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    return data;
  }, text);
  await dialog.locator("form").dispatchEvent("drop", { dataTransfer: data });
  await expect(field).toHaveValue(text);
  await expect(dialog.getByRole("button", { name: "Add them" })).toBeEnabled();
  await page.context().close();
});

test("a picture without a code, and a file that is no picture, are told apart", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  const dialog = await adding(page);
  await drop(page, dialog.locator("form"), [await makePicture(page, "sea.jpg", 1)]);
  await expect(dialog.getByText("No code was found in this picture.")).toBeVisible();
  const broken = { name: "code.png", mimeType: "image/png", buffer: Buffer.from("no picture at all") };
  await drop(page, dialog.locator("form"), [broken]);
  await expect(dialog.getByText("This file is not a picture that the browser can read.")).toBeVisible();
  const elsewhere = await codePicture(page, "HTTPS://EXAMPLE.ORG/");
  await drop(page, dialog.locator("form"), [elsewhere]);
  await expect(dialog.getByText("This is neither an invite nor a link.")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Add them" })).toBeDisabled();
  expect(await world.person("bob").api("GET", "/contacts")).toEqual([]);
  await page.context().close();
});

test("a camera that may not be used is told in words", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  const dialog = await adding(page);
  await dialog.getByRole("button", { name: "Scan with camera" }).click();
  await expect(dialog.getByText("The camera cannot be used.")).toBeVisible();
  await page.context().close();
});

test("an invite is scanned by the camera, and added", async ({ playwright, launchOptions }) => {
  const text = await invite();
  const seen = join(world.folder, "camera.y4m");
  await writeFile(seen, codeFilm(text));
  const camera = ["--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${seen}`];
  const args = [...(launchOptions.args ?? []), ...camera];
  const browser = await playwright.chromium.launch({ ...launchOptions, args });
  try {
    const permissions = ["camera"];
    const page = await world.person("bob").browser(browser, { permissions });
    const dialog = await adding(page);
    await dialog.getByRole("button", { name: "Scan with camera" }).click();
    await expect(dialog.getByLabel("Invite", { exact: true })).toHaveValue(text.toUpperCase());
    // It is off as soon as the code is read.
    await expect(dialog.locator("video")).toHaveCount(0);
    await dialog.getByRole("button", { name: "Add them" }).click();
    await expect(page.getByRole("heading", { name: "ann", level: 1 })).toBeVisible();
    await expect
      .poll(async () => (await world.person("ann").api<{ name: string }[]>("GET", "/contacts")).length)
      .toBe(1);
  } finally {
    await browser.close();
  }
});

/** Pastes a picture, as a screenshot is. */
async function paste(on: Locator, { name, mimeType, buffer }: Picture): Promise<void> {
  await on.evaluate(
    (element, { name, mimeType, text }) => {
      const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], name, { type: mimeType }));
      const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
      element.dispatchEvent(event);
    },
    { name, mimeType, text: buffer.toString("base64") },
  );
}
