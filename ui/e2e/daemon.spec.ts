// The daemon goes away under the page, and comes back.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { World } from "./world";

const lost = (page: Page) => page.getByText("Lost the node on this computer; trying again…");

test("a daemon that restarts is waited for, and all is as it is by then", async ({ browser }) => {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const [ann, bob] = [world.person("ann"), world.person("bob")];
    const page = await bob.browser(browser);
    await page.goto(`${new URL(page.url()).origin}/#/people`);
    await expect(page.getByRole("link", { name: /ann/ })).toBeVisible();
    await bob.down();
    await expect(lost(page)).toBeVisible();
    // Nobody tells the page of what happens now.
    const folder = join(world.folder, "Meanwhile");
    await mkdir(folder);
    await writeFile(join(folder, "a.txt"), "a");
    const request = { paths: [folder], audience: "contacts", with: [], name: null };
    await ann.api("POST", "/shares", request);
    await bob.up();
    await expect(lost(page)).toBeHidden({ timeout: 30_000 });
    await expect(page.getByRole("link", { name: /ann.*Direct/ })).toBeVisible({ timeout: 30_000 });
    await page.goto(`${new URL(page.url()).origin}/#/files`);
    await expect(page.getByRole("link", { name: /Meanwhile/ })).toBeVisible({ timeout: 30_000 });
  } finally {
    await world.end();
  }
});

test("a daemon that is there and says nothing is noticed, and heals", async ({ browser }) => {
  const world = await World.befriended(["ann", "bob"]);
  const ann = world.person("ann");
  try {
    const page = await ann.browser(browser);
    await page.goto(`${new URL(page.url()).origin}/#/people`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(lost(page)).toBeHidden();
    ann.freeze(true);
    await expect(lost(page)).toBeVisible({ timeout: 30_000 });
    ann.freeze(false);
    await expect(lost(page)).toBeHidden({ timeout: 30_000 });
    // It is kept up to date again.
    await ann.api("POST", "/albums", { name: "Afterwards", audience: "contacts", with: [] });
    await page.goto(`${new URL(page.url()).origin}/#/albums`);
    await expect(page.getByRole("link", { name: /Afterwards/ })).toBeVisible();
  } finally {
    ann.freeze(false);
    await world.end();
  }
});
