// The daemon goes away under the page, and comes back.
import { expect, test } from "@playwright/test";
import { World } from "./world";

test("a daemon that restarts is waited for, and all is as it was", async ({ browser }) => {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const bob = world.person("bob");
    const page = await bob.browser(browser);
    await page.goto(`${new URL(page.url()).origin}/#/people`);
    await expect(page.getByRole("link", { name: /ann/ })).toBeVisible();
    await bob.down();
    await expect(page.getByText("Lost the node on this computer; trying again…")).toBeVisible();
    await bob.up();
    await expect(page.getByText("Lost the node on this computer; trying again…")).toBeHidden({
      timeout: 30_000,
    });
    await expect(page.getByRole("link", { name: /ann.*Direct/ })).toBeVisible({ timeout: 30_000 });
  } finally {
    await world.end();
  }
});
