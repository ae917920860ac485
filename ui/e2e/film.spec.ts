// A film is played from its middle while it is still far from being here, and is whole at the end; and it is played however often it is
// left and opened again.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page, type Request } from "@playwright/test";
import { makeFilm } from "./film";
import { makePicture } from "./pictures";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

const SECONDS = 60;
/** At the speed below it takes half a minute; what was asked for already, 16 MiB at most, comes before what a reader wants. */
const BYTES = 96 << 20;
const SPEED = "4 MiB/s";
/** So long after its last reader a file that is not fetched to a folder is still fetched. */
const LINGER_MS = 10_000;
/** So long it may take until what was asked for has come, and on a busy machine. */
const SOON = { timeout: 40_000 };

let world: World;
let bob: Page;
let content: Buffer;

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  bob = await world.person("bob").browser(browser);
  const folder = join(world.folder, "Films");
  await mkdir(folder);
  content = (await makeFilm(bob, "film.webm", SECONDS, BYTES)).buffer;
  await writeFile(join(folder, "film.webm"), content);
  await writeFile(join(folder, "broken.webm"), Buffer.alloc(4096, 7));
  await writeFile(join(folder, "sea.jpg"), (await makePicture(bob, "sea.jpg", 1)).buffer);
  const [ann, other] = [world.person("ann"), world.person("bob")];
  await ann.api("POST", "/shares", { paths: [folder], audience: "contacts", with: [], name: null });
  await other.api("POST", "/limits", { download: SPEED, local: true });
});
test.afterAll(() => world?.end());

const video = () => bob.getByRole("dialog").locator("video");
/** How the film stands that is shown. That it cannot be played, and is not on the page any more, is an error. */
const film = () =>
  bob.getByRole("dialog").evaluate((dialog) => {
    const alert = dialog.querySelector("[role=alert]");
    if (alert) throw new Error(alert.textContent ?? "");
    const it = dialog.querySelector("video");
    if (!it) return { isKnown: false, shownAt: null };
    const isShown = !it.seeking && it.readyState >= 2;
    return { isKnown: it.readyState > 0, shownAt: isShown ? it.currentTime : null };
  });
const isKnown = async () => (await film()).isKnown;
/** Where in the film the picture is that is seen, in seconds. */
const shownAt = async () => (await film()).shownAt ?? -1;
const seek = (to: number) => video().evaluate((it: HTMLVideoElement, at) => (it.currentTime = at), to);

async function open() {
  await bob.getByRole("link", { name: "film.webm" }).click();
  await expect.poll(isKnown, SOON).toBe(true);
}

async function leave() {
  await bob.keyboard.press("Escape");
  await expect(bob.getByRole("dialog")).toBeHidden();
}

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
  const state = async () =>
    (await world.person("bob").api<{ id: number; state: string }[]>("GET", "/transfers")).find(
      (it) => it.id === id,
    )?.state;
  await expect.poll(state).toBe("running");
  /** Where the browser began to read. */
  const begun: number[] = [];
  bob.on("response", (response) => {
    const range = /bytes (\d+)-/.exec(response.headers()["content-range"] ?? "");
    if (response.status() === 206 && range?.[1]) begun.push(Number(range[1]));
  });
  await bob.getByRole("link", { name: /Films/ }).click();
  await open();
  expect(await video().evaluate((it: HTMLVideoElement) => it.duration)).toBeCloseTo(SECONDS, 0);

  // A press of a key plays it; then it is wanted from near its end.
  await bob.keyboard.press("Space");
  await expect.poll(() => video().evaluate((it: HTMLVideoElement) => it.paused)).toBe(false);
  await seek(SECONDS - 5);
  await expect.poll(shownAt, SOON).toBeGreaterThan(SECONDS - 6);
  expect(Math.max(...begun)).toBeGreaterThan(BYTES / 2);
  // All of that while most of it was still to come.
  const all = await world.person("bob").api<{ id: number; bytes: number }[]>("GET", "/transfers");
  expect(all.find((it) => it.id === id)?.bytes).toBeLessThan(BYTES);
  await leave();
  // The transfer gave it, though it was begun by another name; nothing was fetched beside it.
  const apart = await readdir(join(world.person("bob").data, "partial"), { recursive: true }).catch(() => []);
  expect(apart.filter((path) => path.endsWith("film.webm"))).toEqual([]);

  await world.person("bob").api("POST", "/limits", { download: "none", local: false });
  await expect.poll(state, { timeout: 60_000 }).toBe("done");
  expect((await readFile(join(out, "film.webm"))).equals(content)).toBe(true);
});

test("a film that does not come yet says so, and is let go of when it is left", async () => {
  const isFilm = (url: string) => /\/files\/.*film\.webm$/.test(url);
  world.person("bob").freeze(true);
  try {
    const asked = bob.waitForRequest((request) => isFilm(request.url()));
    await bob.getByRole("link", { name: "film.webm" }).click();
    await asked;
    await expect(bob.getByRole("dialog").getByRole("status")).toHaveText("Loading…");
    const predicate = (request: Request) => isFilm(request.url());
    const letGo = bob.waitForEvent("requestfailed", { predicate, timeout: 15_000 });
    await leave();
    await letGo;
  } finally {
    world.person("bob").freeze(false);
  }
});

test("a film whose transfer is done and off the list is played from its end as well", async () => {
  // A part of a share is no copy: of what is seen in the app, just that is fetched.
  const { id } = (await world.person("bob").api<{ id: number }[]>("GET", "/transfers"))[0] ?? { id: 0 };
  await world.person("bob").api("POST", `/transfers/${id}/cancel`, { keep: false });
  await open();
  await expect(bob.getByRole("dialog").getByRole("status")).toBeHidden();
  await seek(SECONDS - 2);
  await expect.poll(shownAt, SOON).toBeGreaterThan(SECONDS - 3);
});

test("a film is played again when what fetched it is just being given up", async () => {
  for (const away of [LINGER_MS - 100, LINGER_MS, LINGER_MS + 100]) {
    await leave();
    await bob.waitForTimeout(away);
    await open();
  }
  await seek(SECONDS / 2);
  await expect.poll(shownAt, SOON).toBeGreaterThan(SECONDS / 2 - 1);
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
