// What goes while somebody looks at it: a folder of a share, and what a link led to. And names that are written from right to left.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let share: string;
const at = (...parts: string[]) => join(world.folder, ...parts);

test.beforeAll(async () => {
  world = await World.befriended(["ann", "bob"]);
  await mkdir(at("Trip", "day 1", "sea"), { recursive: true });
  await writeFile(at("Trip", "one.txt"), "one");
  await writeFile(at("Trip", "day 1", "sea", "two.txt"), "two");
  const asked = { paths: [at("Trip")], audience: "contacts" };
  share = (await world.person("ann").api<{ share_id: string }>("POST", "/shares", asked)).share_id;
});
test.afterAll(() => world?.end());

test("a folder that is gone is told to its owner and to others, with the way up", async ({ browser }) => {
  const peer = await world.person("ann").peerId();
  const [ann, bob] = [await world.person("ann").browser(browser), await world.person("bob").browser(browser)];
  const pages = [
    { page: ann, to: `files/mine/${share}` },
    { page: bob, to: `files/${peer}/${share}` },
  ];
  for (const { page, to } of pages) {
    await page.goto(`${new URL(page.url()).origin}/#/${to}/day%201/sea`);
    await expect(page.getByText("two.txt")).toBeVisible({ timeout: 30_000 });
  }
  await rename(at("Trip", "day 1"), at("Trip", "day one"));
  for (const { page } of pages) {
    await expect(page.getByText("This folder is gone")).toBeVisible({ timeout: 45_000 });
    await expect(page.getByText("two.txt")).toBeHidden();
    await isSound(page, "a folder that is gone");
    await page.getByRole("link", { name: "Trip" }).last().click();
    await expect(page.getByText("day one")).toBeVisible();
    await expect(page.getByText("This folder is gone")).toBeHidden();
  }
  // Whoever has a page open where something comes back sees it.
  await ann.goto(`${new URL(ann.url()).origin}/#/files/mine/${share}/day%201`);
  await expect(ann.getByText("This folder is gone")).toBeVisible();
  await rename(at("Trip", "day one"), at("Trip", "day 1"));
  await expect(ann.getByText("sea")).toBeVisible({ timeout: 45_000 });
  await expect(ann.getByText("This folder is gone")).toBeHidden();
  for (const { page } of pages) await page.context().close();
});

test("who looks at what a link leads to is told that its folder is away, and that it was taken back", async ({
  browser,
}) => {
  await mkdir(at("Linked"));
  await writeFile(at("Linked", "first.txt"), "first");
  const ann = world.person("ann");
  const asked = { paths: [at("Linked")], audience: "link" };
  const made = await ann.api<{ link: string; share_id: string }>("POST", "/shares", asked);
  const page = await world.person("bob").browser(browser);
  await page.goto(`${new URL(page.url()).origin}/#/files/link/${encodeURIComponent(made.link)}`);
  await expect(page.getByText("first.txt")).toBeVisible();
  // Its folder is away, and back.
  const away = page.getByText(/not where ann shares them from/);
  await expect(away).toBeHidden();
  await rename(at("Linked"), at("Unplugged"));
  await expect(away).toBeVisible({ timeout: 45_000 });
  await rename(at("Unplugged"), at("Linked"));
  await expect(away).toBeHidden({ timeout: 45_000 });
  await ann.api("DELETE", `/shares/${made.share_id}`);
  const told = page.getByText("What is shown is as it was when you looked.");
  await expect(told).toBeVisible({ timeout: 45_000 });
  await expect(page.getByText("first.txt")).toBeVisible();
  await isSound(page, "a link that was taken back");
  await page.context().close();
});
