// Shares as files: a tree, a site, and transfers that are held, go on and end.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let bob: Page;
let origin: string;

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  const home = join(world.folder, "home");
  await mkdir(join(home, "deep"), { recursive: true });
  await writeFile(join(home, "index.html"), "<h1>My home</h1><script>document.title = 'it ran'</script>");
  await writeFile(join(home, "deep", "notes.txt"), "hello");
  await writeFile(join(home, "large.bin"), Buffer.alloc(24 << 20, 7));
  await writeFile(join(home, "tone.wav"), tone(2));
  await writeFile(join(home, "noise.mp3"), Buffer.alloc(20_000, 7));
  const [ann, other] = [world.person("ann"), world.person("bob")];
  await ann.api("POST", "/shares", { paths: [home], audience: "contacts" });
  await other.api("POST", "/limits", { download: "1 MiB/s", local: true });
  bob = await other.browser(browser);
  origin = new URL(bob.url()).origin;
});
test.afterAll(() => world?.end());

/** A sound of so many seconds, as WAVE keeps it (RFC 2361): one channel, 8,000 samples a second, of 8 bits each. */
function tone(seconds: number): Buffer {
  const samples = Buffer.from(
    Array.from(
      { length: 8_000 * seconds },
      (_, at) => 128 + 100 * Math.sin((at * 440 * 2 * Math.PI) / 8_000),
    ),
  );
  const header = Buffer.alloc(44);
  header.write("RIFF\0\0\0\0WAVEfmt ", "latin1");
  header.writeUInt32LE(36 + samples.length, 4);
  header.writeUInt32LE(16, 16);
  for (const [at, value] of [1, 1].entries()) header.writeUInt16LE(value, 20 + 2 * at);
  for (const at of [24, 28]) header.writeUInt32LE(8_000, at);
  for (const [at, value] of [1, 8].entries()) header.writeUInt16LE(value, 32 + 2 * at);
  header.write("data", 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

test("a share is a tree of files", async () => {
  await bob.goto(`${origin}/#/files`);
  await bob.getByRole("link", { name: /home/ }).click();
  await expect(bob.getByText("large.bin")).toBeVisible();
  await expect(bob.getByText("24 MiB")).toBeVisible();
  await bob.getByRole("link", { name: "deep" }).click();
  await expect(bob.getByText("notes.txt")).toBeVisible();
  await bob.getByRole("navigation", { name: "Folders above" }).getByRole("link", { name: "home" }).click();
  await expect(bob.getByText("large.bin")).toBeVisible();
});

test("a sound is heard where it lies, and one that is none is told", async () => {
  const row = (name: string) => bob.locator(".entry", { hasText: name });
  await row("tone.wav").getByRole("button", { name: "Play" }).click();
  const player = bob.locator("audio");
  await expect.poll(() => player.evaluate((it: HTMLAudioElement) => it.currentTime)).toBeGreaterThan(0);
  expect(await player.evaluate((it: HTMLAudioElement) => Math.round(it.duration))).toBe(2);
  await row("noise.mp3").getByRole("button", { name: "Play" }).click();
  await expect(bob.getByRole("alert").filter({ hasText: "It cannot be played here" })).toBeVisible();
  // It can be tried again, and the other one is there still.
  await expect(row("noise.mp3").getByRole("button", { name: "Play" })).toBeVisible();
  await expect(player).toHaveCount(1);
});

test("a folder with an index.html opens as a site, away from the app", async () => {
  const opened = bob.waitForEvent("popup");
  await bob.getByRole("button", { name: "Open as site" }).click();
  const site = await opened;
  await expect(site.getByRole("heading", { name: "My home" })).toBeVisible();
  await expect(site).toHaveTitle("it ran");
  expect(new URL(site.url()).origin).not.toBe(origin);
  expect(await site.evaluate(() => window.opener)).toBeNull();
  await site.close();
  // Also where somebody's shares lead to.
  await bob.goto(`${origin}/#/people`);
  await bob.getByRole("link", { name: /ann/ }).first().click();
  const home = bob.getByRole("link", { name: /home/ });
  await expect(home).toHaveAttribute("href", /^#\/files\//);
  await home.click();
  await expect(bob.getByRole("button", { name: "Open as site" })).toBeVisible();
});

test("a transfer is paused, goes on and is cancelled", async () => {
  await bob.getByRole("button", { name: "Download all" }).click();
  await bob.getByLabel("Into this folder").fill(join(world.folder, "received"));
  await bob.getByRole("dialog").getByRole("button", { name: "Download" }).click();
  // That it has begun leads to where it is seen to go on.
  await bob.getByRole("link", { name: "See how it goes" }).click();
  await expect(bob.getByRole("heading", { name: "Transfers", level: 1 })).toBeFocused();
  await expect(bob.getByRole("link", { name: "See how it goes" })).toBeHidden();
  const card = bob.getByRole("article");
  await expect(card.getByRole("heading", { name: "home" })).toBeVisible();
  // Of all of it, and of who gives it.
  await expect(card.getByText(/MiB\/s|KiB\/s/).first()).toBeVisible();
  await expect(card.getByText(/left/)).toBeVisible();
  await card.getByRole("button", { name: "Pause" }).click();
  await expect(card.getByText("paused")).toBeVisible();
  await card.getByRole("button", { name: "Go on" }).click();
  await expect(card.getByText("under way")).toBeVisible();
  await card.getByRole("combobox", { name: "How soon" }).selectOption("Soon");
  await expect(card.getByRole("combobox", { name: "How soon" })).toHaveValue("high");
  await card.getByRole("button", { name: "Cancel" }).click();
  await bob.getByRole("button", { name: "Cancel the download" }).click();
  await expect(bob.getByText("Nothing is on its way")).toBeVisible();
});

test("who goes on with all stays among the buttons, when the one that was pressed goes", async () => {
  const begin = (out: string) =>
    world.person("bob").api("POST", "/transfers", {
      source: "ann/home",
      out: join(world.folder, out),
      only: [],
      wait_ms: 30_000,
      provide: false,
      keep: false,
      priorities: [],
    });
  await begin("one");
  await begin("two");
  const cards = bob.getByRole("article");
  await expect(cards).toHaveCount(2);
  await cards.first().getByRole("button", { name: "Pause" }).click();
  const all = bob.getByRole("button", { name: "Go on with all" });
  await all.press("Enter");
  await expect(all).toBeHidden();
  await expect(bob.getByRole("button", { name: "Pause all" })).toBeFocused();
  await world.person("bob").api("POST", "/transfers/all/cancel", { keep: false });
  await expect(bob.getByText("Nothing is on its way")).toBeVisible();
});

test("a download that cannot be is told in words", async () => {
  await bob.goto(`${origin}/#/files`);
  await bob.getByRole("link", { name: /home/ }).click();
  await bob.getByRole("button", { name: "Download all" }).click();
  const field = bob.getByLabel("Into this folder");
  await field.fill("not/whole");
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(bob.getByRole("dialog").getByRole("button", { name: "Download" })).toBeDisabled();
  await field.fill("/proc/nowhere");
  await bob.getByRole("dialog").getByRole("button", { name: "Download" }).click();
  await expect(field).toBeHidden();
  await bob.goto(`${origin}/#/transfers`);
  await expect(bob.getByRole("article").getByRole("alert")).toBeVisible();
  await expect(bob.getByRole("button", { name: "Try again" })).toBeVisible();
});

test("a document is shared, and taken back", async () => {
  await bob.goto(`${origin}/#/files`);
  await bob.getByRole("button", { name: "Share something" }).click();
  const dialog = bob.getByRole("dialog");
  const chooser = bob.waitForEvent("filechooser");
  await dialog.getByRole("button", { name: "Choose files" }).click();
  const paper = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") };
  await (await chooser).setFiles(paper);
  await expect(dialog.getByText(/1 file ·/)).toBeVisible();
  await dialog.getByLabel("Name", { exact: true }).fill("Papers");
  await dialog.getByRole("button", { name: "Share", exact: true }).click();
  await expect(bob.getByRole("heading", { name: "Papers", level: 1 })).toBeVisible();
  await expect(bob.getByText("notes.txt")).toBeVisible();
  await bob.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await expect(bob.getByText("Nothing in here yet")).toBeVisible();
});
