// A film is played from its middle while it is still far from being here, and is whole at the end.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { makeFilm } from "./film";
import { makePicture } from "./pictures";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

const SECONDS = 60;
/** At the speed below it takes half a minute; what was asked for already, 16 MiB at most, comes before what a reader wants. */
const BYTES = 96 << 20;
const SPEED = "4 MiB/s";
/** So long it may take until what was asked for has come, and on a busy machine. */
const SOON = { timeout: 40_000 };

let world: World;
let bob: Page;
let film: Buffer;

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  bob = await world.person("bob").browser(browser);
  const folder = join(world.folder, "Films");
  await mkdir(folder);
  film = (await makeFilm(bob, "film.webm", SECONDS, BYTES)).buffer;
  await writeFile(join(folder, "film.webm"), film);
  await writeFile(join(folder, "broken.webm"), Buffer.alloc(4096, 7));
  await writeFile(join(folder, "sea.jpg"), (await makePicture(bob, "sea.jpg", 1)).buffer);
  const [ann, other] = [world.person("ann"), world.person("bob")];
  await ann.api("POST", "/shares", { paths: [folder], audience: "contacts", with: [], name: null });
  await other.api("POST", "/limits", { download: SPEED, local: true });
});
test.afterAll(() => world?.end());

/** Where in the film the picture is that is seen, in seconds. */
const shownAt = () =>
  video().evaluate((it: HTMLVideoElement) => !it.seeking && it.readyState >= 2 && it.currentTime);
const video = () => bob.getByRole("dialog").locator("video");

test("a film is played from its end while it downloads", async () => {
  const out = join(world.folder, "received");
  const wanted = {
    source: "ann/Films/film.webm",
    out,
    only: [],
    wait_ms: 60_000,
    provide: true,
    keep: false,
  };
  const { id } = await world.person("bob").api<{ id: number }>("POST", "/transfers", wanted);
  /** Where the browser began to read. */
  const begun: number[] = [];
  bob.on("response", (response) => {
    const range = /bytes (\d+)-/.exec(response.headers()["content-range"] ?? "");
    if (response.status() === 206 && range?.[1]) begun.push(Number(range[1]));
  });
  await bob.getByRole("link", { name: /Films/ }).click();
  await bob.getByRole("link", { name: "film.webm" }).click();
  await expect.poll(() => video().evaluate((it: HTMLVideoElement) => it.readyState), SOON).toBeGreaterThan(0);
  expect(await video().evaluate((it: HTMLVideoElement) => it.duration)).toBeCloseTo(SECONDS, 0);

  // A press of a key plays it; then it is wanted from near its end.
  await bob.keyboard.press("Space");
  await expect.poll(() => video().evaluate((it: HTMLVideoElement) => it.paused)).toBe(false);
  await video().evaluate((it: HTMLVideoElement, at) => (it.currentTime = at), SECONDS - 5);
  await expect.poll(shownAt, SOON).toBeGreaterThan(SECONDS - 6);
  expect(Math.max(...begun)).toBeGreaterThan(BYTES / 2);
  // All of that while most of it was still to come.
  const all = await world.person("bob").api<{ id: number; bytes: number }[]>("GET", "/transfers");
  expect(all.find((it) => it.id === id)?.bytes).toBeLessThan(BYTES);
  await bob.keyboard.press("Escape");

  await world.person("bob").api("POST", "/limits", { download: "none", local: false });
  const state = async () =>
    (await world.person("bob").api<{ id: number; state: string }[]>("GET", "/transfers")).find(
      (it) => it.id === id,
    )?.state;
  await expect.poll(state, { timeout: 60_000 }).toBe("done");
  expect((await readFile(join(out, "film.webm"))).equals(film)).toBe(true);
});

test("a film that nobody fetched is played from its end as well", async () => {
  // As if it had never been fetched: from somebody else's cache nothing comes.
  const { id } = (await world.person("bob").api<{ id: number }[]>("GET", "/transfers"))[0] ?? { id: 0 };
  await world.person("bob").api("POST", `/transfers/${id}/cancel`, { keep: false });
  await bob.getByRole("link", { name: "film.webm" }).click();
  await expect.poll(() => video().evaluate((it: HTMLVideoElement) => it.readyState), SOON).toBeGreaterThan(0);
  await video().evaluate((it: HTMLVideoElement, at) => (it.currentTime = at), SECONDS - 2);
  await expect.poll(shownAt, SOON).toBeGreaterThan(SECONDS - 3);
});

test("keys lead a film while it has the focus, and the album while it has not", async () => {
  const box = bob.getByRole("dialog");
  await video().focus();
  const at = () => video().evaluate((it: HTMLVideoElement) => it.currentTime);
  const before = await at();
  await bob.keyboard.press("ArrowLeft");
  await expect.poll(at).toBeLessThan(before);
  await expect(box).toHaveAccessibleName("film.webm");
  await box.focus();
  await bob.keyboard.press("ArrowRight");
  await expect(box).toHaveAccessibleName("sea.jpg");
});

test("a film that is none says so, and the album goes on", async () => {
  await bob.keyboard.press("Home");
  const box = bob.getByRole("dialog");
  await expect(box).toHaveAccessibleName("broken.webm");
  await expect(box.getByRole("alert")).toContainText("This film cannot be played here");
  await bob.keyboard.press("End");
  await expect(box.locator("img.full.shown")).toBeVisible();
  await bob.keyboard.press("Escape");
  await expect(box).toBeHidden();
});
