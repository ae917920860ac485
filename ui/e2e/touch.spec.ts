// The lightbox on a phone, by fingers alone.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { makeFilm } from "./film";
import { makePicture } from "./pictures";
import { Fingers, type Point } from "./touch";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

const PHONE = { viewport: { width: 390, height: 800 }, isMobile: true, hasTouch: true };
const MIDDLE: Point = { x: 195, y: 400 };

let world: World;
let page: Page;
let fingers: Fingers;

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  page = await world.person("bob").browser(browser, PHONE);
  const folder = join(world.folder, "Summer");
  await mkdir(folder);
  for (const at of [1, 2, 3]) {
    const name = `IMG_${at}.jpg`;
    await writeFile(join(folder, name), (await makePicture(page, name, at)).buffer);
  }
  await writeFile(join(folder, "IMG_4.webm"), (await makeFilm(page, "IMG_4.webm", 4, 40_000)).buffer);
  await world
    .person("ann")
    .api("POST", "/shares", { paths: [folder], audience: "contacts", with: [], name: null });
  await page.getByRole("link", { name: /Summer/ }).tap();
  await page.getByRole("link", { name: "IMG_1.jpg" }).tap();
  await expect(page.locator("img.full.shown")).toBeVisible();
  fingers = await Fingers.on(page);
});
test.afterAll(() => world?.end());

const box = () => page.getByRole("dialog");
const scale = () =>
  box()
    .locator(".picture")
    .evaluate((it: HTMLElement) => new DOMMatrix(it.style.transform).a);
const moved = (by: { x?: number; y?: number }): [Point, Point] => [
  { x: MIDDLE.x - (by.x ?? 0) / 2, y: MIDDLE.y - (by.y ?? 0) / 2 },
  { x: MIDDLE.x + (by.x ?? 0) / 2, y: MIDDLE.y + (by.y ?? 0) / 2 },
];

test("whoever cannot swipe has buttons", async () => {
  await box().getByRole("button", { name: "Next" }).tap();
  await expect(box()).toHaveAccessibleName("IMG_2.jpg");
  await box().getByRole("button", { name: "Previous" }).tap();
  await expect(box()).toHaveAccessibleName("IMG_1.jpg");
  await box().getByRole("button", { name: "Larger" }).tap();
  await expect.poll(scale).toBeGreaterThan(1.4);
  await box().getByRole("button", { name: "Smaller" }).tap();
  await expect.poll(scale).toBe(1);
});

test("swipes lead on and back", async () => {
  await expect(box()).toHaveAccessibleName("IMG_1.jpg");
  await fingers.move(moved({ x: -220 }));
  await expect(box()).toHaveAccessibleName("IMG_2.jpg");
  await fingers.move(moved({ x: 220 }));
  await expect(box()).toHaveAccessibleName("IMG_1.jpg");
  // Before the first there is none.
  await fingers.move(moved({ x: 220 }));
  await expect(box()).toHaveAccessibleName("IMG_1.jpg");
});

test("two fingers enlarge a picture, one moves it then, and two make it small again", async () => {
  await expect(page.locator("img.full.shown")).toBeVisible();
  const apart = (from: number, to: number): [Point, Point][] => [
    [
      { x: MIDDLE.x - from, y: MIDDLE.y },
      { x: MIDDLE.x - to, y: MIDDLE.y },
    ],
    [
      { x: MIDDLE.x + from, y: MIDDLE.y },
      { x: MIDDLE.x + to, y: MIDDLE.y },
    ],
  ];
  await fingers.move(...apart(40, 120));
  await expect.poll(scale).toBeGreaterThan(2);
  const left = () =>
    box()
      .locator(".picture")
      .evaluate((it: HTMLElement) => new DOMMatrix(it.style.transform).e);
  const before = await left();
  await fingers.move(moved({ x: -150 }));
  await expect.poll(left).toBeLessThan(before - 100);
  await expect(box()).toHaveAccessibleName("IMG_1.jpg");
  await fingers.move(...apart(160, 20));
  await expect.poll(scale).toBe(1);
});

test("a double tap enlarges and fits, a tap hides what lies on the picture", async () => {
  fingers.rest();
  await fingers.tap(MIDDLE);
  await fingers.tap(MIDDLE);
  await expect.poll(scale).toBeGreaterThan(2);
  fingers.rest();
  await fingers.tap(MIDDLE);
  await fingers.tap(MIDDLE);
  await expect.poll(scale).toBe(1);
  const isBare = () => box().evaluate((it) => it.classList.contains("bare"));
  const before = await isBare();
  fingers.rest();
  await fingers.tap(MIDDLE);
  await expect.poll(isBare).toBe(!before);
});

test("a film is left by a swipe, and its own controls are not", async () => {
  await page.goto(`${page.url().replace(/view=[^&]*/, "view=IMG_4.webm")}`);
  await expect(box()).toHaveAccessibleName("IMG_4.webm");
  const film = box().locator("video");
  await expect.poll(() => film.evaluate((it: HTMLVideoElement) => it.readyState)).toBeGreaterThan(0);
  const frame = await film.boundingBox();
  const low = (frame?.y ?? 0) + (frame?.height ?? 0) - 20;
  await fingers.move([
    { x: 80, y: low },
    { x: 300, y: low },
  ]);
  await expect(box()).toHaveAccessibleName("IMG_4.webm");
  const high = (frame?.y ?? 0) + 20;
  await fingers.move([
    { x: 80, y: high },
    { x: 300, y: high },
  ]);
  await expect(box()).toHaveAccessibleName("IMG_3.jpg");
});

test("a swipe down leads back to the album", async () => {
  await fingers.move(moved({ y: 300 }));
  await expect(box()).toBeHidden();
  await expect(page.getByRole("link", { name: "IMG_1.jpg" })).toBeVisible();
});
