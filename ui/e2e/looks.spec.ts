// How it looks, in light and dark, wide and on a phone; and whether everybody can use it.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Locator, type Page } from "@playwright/test";
import { drop, makePicture } from "./pictures";
import { isSound } from "./sound";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let album: string;
/** The same, as its owner has it. */
let mine: string;

const SCREENS = {
  wide: { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: "light", isMobile: true, hasTouch: true },
  "phone-dark": {
    viewport: { width: 360, height: 740 },
    colorScheme: "dark",
    isMobile: true,
    hasTouch: true,
  },
} as const;

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  const ann = await world.person("ann").browser(browser);
  const pictures = await Promise.all(
    Array.from({ length: 14 }, (_, at) => makePicture(ann, `IMG_${at + 1}.jpg`, at + 1)),
  );
  await drop(ann, ann.getByRole("heading", { name: "Albums", level: 1 }), pictures);
  await ann.getByLabel("Name", { exact: true }).fill("Summer by the sea");
  await ann.getByRole("button", { name: "Share", exact: true }).click();
  await expect(ann.getByRole("list", { name: "Pictures" }).getByRole("link").first()).toBeVisible();
  await expect(ann.getByText(/Adding/)).toBeHidden({ timeout: 30_000 });
  // What is added is in a version of its own a moment later: a download of fewer would be offered to be updated.
  const shares = () => world.person("ann").api<{ share_id: string; files: number }[]>("GET", "/shares");
  await expect.poll(async () => (await shares())[0]?.files).toBe(pictures.length);
  const [share] = await shares();
  album = `albums/${await world.person("ann").peerId()}/${share?.share_id}`;
  mine = `albums/mine/${share?.share_id}`;
  await ann.context().close();
  // Something to see under Transfers.
  const source = album.replace("albums/", "");
  const get = { source, out: `${world.folder}/received`, only: [], wait_ms: 30_000 };
  const kept = { provide: false, keep: false, priorities: [] };
  await world.person("bob").api("POST", "/transfers", { ...get, ...kept });
});
test.afterAll(() => world?.end());

for (const [screen, options] of Object.entries(SCREENS)) {
  test(`every page is sound: ${screen}`, async ({ browser }, info) => {
    const page = await world.person("bob").browser(browser, options);
    const origin = new URL(page.url()).origin;
    await expect(page.getByRole("link", { name: /Summer by the sea/ })).toBeVisible({ timeout: 30_000 });
    const peer = await world.person("ann").peerId();
    const pages = [
      "welcome",
      "albums",
      album,
      `${album}?view=IMG_3.jpg`,
      "files",
      album.replace("albums", "files"),
    ];
    for (const at of [...pages, "transfers", "people", `people/${peer}`, "network", "settings", "nothing"]) {
      await page.goto(`${origin}/#/${at}`);
      if (at.includes("view=")) await expect(page.locator("img.full.shown")).toBeVisible();
      else await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      if (at === album) await expect(page.locator(".thumb.shown").first()).toBeVisible();
      if (at === "transfers") await expect(page.getByRole("article").first()).toBeVisible();
      if (at === "network") await expect(page.getByRole("table")).toBeVisible();
      await page.evaluate(() =>
        Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))),
      );
      const name = at.includes("view=")
        ? "lightbox"
        : at.split("/").length > 2
          ? `${at.split("/")[0]}-one`
          : at.replace(/\/.*/, "-one");
      await page.screenshot({ path: info.outputPath(`${name}.png`) });
      await isSound(page, `${screen}: ${at}`);
    }
    await page.context().close();
  });
}

for (const screen of Object.keys(SCREENS) as (keyof typeof SCREENS)[]) {
  test(`dialogs are sound: ${screen}`, async ({ browser }, info) => {
    const page = await world.person("bob").browser(browser, SCREENS[screen]);
    const to = async (page: Page, at: string) => {
      await page.goto(`${new URL(page.url()).origin}/#/${at}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    };
    /** Looks at the dialog that is open, once what belongs into it is there, and closes it. */
    const look = async (page: Page, name: string, content: Locator) => {
      await expect(content).toBeVisible();
      await page.evaluate(() =>
        Promise.all(document.getAnimations().map((it) => it.finished.catch(() => null))),
      );
      await page.screenshot({ path: info.outputPath(`${name}.png`) });
      await isSound(page, `${screen}: ${name}`);
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog")).toBeHidden();
    };
    const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).click();

    await press(page, "New album");
    // Who it is for is chosen next, and is not to be looked for below the edge.
    await page.getByRole("radio", { name: /People I name/ }).check();
    await expect(page.getByRole("checkbox", { name: "ann" })).toBeInViewport({ ratio: 1 });
    await look(page, "new-album", page.getByLabel("Name", { exact: true }));
    await to(page, "people");
    await press(page, "Invite someone");
    await look(page, "invite", page.getByRole("img", { name: "Your invite as a QR code" }));
    await press(page, "Add someone");
    await look(page, "add", page.getByLabel("Invite", { exact: true }));
    await to(page, `people/${await world.person("ann").peerId()}`);
    await press(page, "Compare safety words");
    await look(page, "words", page.getByRole("dialog").getByRole("listitem").first());
    await press(page, /^More for/);
    await page.getByRole("menuitem", { name: "Rename" }).click();
    await look(page, "rename", page.getByLabel("New name"));
    await press(page, /^More for/);
    await page.getByRole("menuitem", { name: "Block" }).click();
    await look(page, "block", page.getByRole("dialog").getByRole("button", { name: "Block" }));
    await to(page, "settings");
    const section = (name: RegExp) => page.locator("section", { has: page.getByRole("heading", { name }) });
    await section(/^Introducers/)
      .getByRole("button", { name: "Remove" })
      .click();
    await look(page, "introducer", page.getByRole("dialog").getByLabel("Its line"));
    const here = section(/^Browsers/)
      .getByRole("listitem")
      .filter({ hasText: "This browser" });
    await here.getByRole("button", { name: "Let in no more" }).click();
    await look(page, "browser", page.getByRole("dialog").getByText(/It is the one you are using/));
    await to(page, album);
    await press(page, "Download all");
    await look(page, "download", page.getByLabel("Into this folder"));
    await page.context().close();

    const ann = await world.person("ann").browser(browser, SCREENS[screen]);
    await to(ann, mine);
    const middles = await Promise.all(
      [/^Link$/, /^Choose$/, /^Add files$/, /^More for/].map(async (name) => {
        const box = await ann.getByRole("button", { name }).boundingBox();
        return box ? box.y + box.height / 2 : NaN;
      }),
    );
    expect(Math.max(...middles) - Math.min(...middles), "on one line").toBeLessThan(2);
    await press(ann, /^More for/);
    await ann.getByRole("menuitem", { name: "Who may see it" }).click();
    await ann.getByRole("radio", { name: /People I name/ }).check();
    await look(ann, "audience", ann.getByRole("checkbox", { name: "bob" }));
    await ann.context().close();
  });
}

test("a picture that cannot be shown, and one that is gone, are told soundly", async ({ browser }, info) => {
  const folder = join(world.folder, "Broken");
  await mkdir(folder);
  await writeFile(join(folder, "broken.jpg"), "no picture");
  await writeFile(join(folder, "broken.mp4"), "no film");
  const asked = { paths: [folder], audience: "contacts" };
  const { share_id } = await world.person("ann").api<{ share_id: string }>("POST", "/shares", asked);
  const at = `albums/${await world.person("ann").peerId()}/${share_id}?view=`;
  for (const screen of ["wide", "dark", "phone"] as const) {
    const page = await world.person("bob").browser(browser, SCREENS[screen]);
    const origin = new URL(page.url()).origin;
    const box = page.getByRole("dialog");
    const look = async (name: string) => {
      await page.evaluate(() =>
        Promise.all(document.getAnimations().map((it) => it.finished.catch(() => null))),
      );
      await page.screenshot({ path: info.outputPath(`${screen}-${name}.png`) });
      await isSound(page, `${screen}: ${name}`);
    };
    await page.goto(`${origin}/#/${at}none.jpg`);
    await expect(box.getByText("This picture is not in the album any more.").first()).toBeVisible({
      timeout: 30_000,
    });
    await look("gone");
    await page.goto(`${origin}/#/${at}broken.jpg`);
    await expect(box.getByRole("button", { name: "Show it all the same" })).toBeVisible({ timeout: 30_000 });
    await look("refused");
    await page.goto(`${origin}/#/${at}broken.mp4`);
    await expect(box.getByText("This film cannot be played here")).toBeVisible();
    await box.getByRole("button", { name: "Download" }).click();
    const asking = page.getByRole("dialog").last();
    await asking.getByLabel("Into this folder").fill(join(world.folder, `broken-${screen}`));
    await asking.getByRole("button", { name: "Download" }).click();
    await expect(box.getByText("The download has begun")).toBeVisible();
    await look("broken, and a word about something else");
    await page.context().close();
  }
  await world.person("ann").api("DELETE", `/shares/${share_id}`);
});

test("the app can be used by keys alone", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  await expect(page.getByRole("link", { name: /Summer by the sea/ })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "To the page" })).toBeFocused();
  await page.getByRole("link", { name: /Summer by the sea/ }).focus();
  await page.keyboard.press("Enter");
  const tiles = page.getByRole("list", { name: "Pictures" }).getByRole("link");
  await expect(tiles.first()).toBeVisible();
  await tiles.first().focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("link", { name: "IMG_2.jpg" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toHaveAccessibleName("IMG_2.jpg");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.context().close();
});
