// A large drop is looked through before anything is done with it: that shows, counts, and can be ended.
import { expect, test, type Page } from "@playwright/test";
import { drop, makePicture } from "./pictures";
import { isSound } from "./sound";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let page: Page;

test.beforeAll(async ({ browser }) => {
  world = await World.start(["ann"]);
  await world.person("ann").api("POST", "/albums", { name: "Town" });
  page = await world.person("ann").browser(browser, { viewport: { width: 360, height: 740 } });
});
test.afterAll(() => world?.end());

/** What is dropped from now on is a folder on a slow disk: hundreds of files at a time, each hundred when `more` is called. */
async function slowDisk(): Promise<void> {
  await page.evaluate(() => {
    const waiting: (() => void)[] = [];
    const entry = (name: string, file: File) => ({
      name,
      isFile: true,
      isDirectory: false,
      file: (resolve: (file: File) => void) => resolve(file),
    });
    let piece = 0;
    const readEntries = (resolve: (entries: unknown[]) => void) => {
      piece += 1;
      const [from, isOver] = [piece * 100, piece > 4];
      const files = Array.from({ length: isOver ? 0 : 100 }, (_, at) => `${from + at}.txt`);
      waiting.push(() => resolve(files.map((name) => entry(name, new File(["x"], name)))));
    };
    const folder = {
      name: "Archive",
      isFile: false,
      isDirectory: true,
      createReader: () => ({ readEntries }),
    };
    Object.assign(DataTransferItem.prototype, { webkitGetAsEntry: () => folder });
    Object.assign(window, {
      more: () => {
        waiting.splice(0).forEach((next) => next());
        return new Promise((resolve) => setTimeout(resolve, 150));
      },
    });
  });
}

const more = () => page.evaluate(() => (window as unknown as { more(): Promise<void> }).more());
const sign = () => page.getByRole("region", { name: "Files are being looked at" });

test("a drop that takes long says how far it is, and is cancelled", async ({ browserName }, info) => {
  await slowDisk();
  const picture = await makePicture(page, "a.jpg", 1);
  const heading = page.getByRole("heading", { name: "Albums", level: 1 });
  await drop(page, heading, [picture]);
  await expect(sign()).toContainText("0 files so far");
  await more();
  await more();
  await expect(sign()).toContainText(/[12]\d\d files so far/);
  await page.screenshot({ path: info.outputPath(`looking-${browserName}.png`) });
  await isSound(page, "a drop that takes long");
  await sign().getByRole("button", { name: "Cancel" }).click();
  await expect(sign()).toBeHidden();
  // What comes of it later is not taken.
  for (let at = 0; at < 4; at += 1) await more();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(heading).toBeVisible();
});

test("one that is waited for is taken whole", async () => {
  await page.reload();
  await slowDisk();
  await drop(page, page.getByRole("heading", { name: "Albums", level: 1 }), [
    await makePicture(page, "a.jpg", 1),
  ]);
  for (let at = 0; at < 6; at += 1) await more();
  const dialog = page.getByRole("dialog", { name: "New album" });
  await expect(dialog.getByText(/^400 files ·/)).toBeVisible();
  await expect(dialog.getByLabel("Name", { exact: true })).toHaveValue("Archive");

  // More of it, into the dialog: nothing is shared before it is looked through.
  await drop(page, dialog.locator(".drop"), [await makePicture(page, "a.jpg", 1)]);
  await expect(sign()).toBeVisible();
  await expect(dialog.getByText("what you dropped is still looked through")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Share", exact: true })).toBeDisabled();
  await sign().getByRole("button", { name: "Cancel" }).click();
  await expect(dialog.getByRole("button", { name: "Share", exact: true })).toBeEnabled();
  await dialog.getByRole("button", { name: "Cancel" }).last().click();
});

test("whether pictures say a place is looked up in sight, and that is cancelled, too", async () => {
  await page.reload();
  await page.getByRole("link", { name: /Town/ }).click();
  await expect(page.getByRole("heading", { name: "Town", level: 1 })).toBeVisible();
  const pictures = [await makePicture(page, "a.jpg", 1), await makePicture(page, "b.jpg", 2)];
  // A disk that gives nothing.
  await page.evaluate(() => {
    Object.assign(Blob.prototype, { arrayBuffer: () => new Promise(() => undefined) });
  });
  await drop(page, page.getByRole("heading", { name: "Town", level: 1 }), pictures);
  await expect(sign()).toContainText("Looking whether they say where they were taken: 0 of 2");
  await isSound(page, "pictures that are looked through");
  await sign().getByRole("button", { name: "Cancel" }).click();
  await expect(sign()).toBeHidden();
  await expect(page.getByText("Nothing in here yet")).toBeVisible();
});
