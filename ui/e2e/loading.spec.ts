// What is not read yet is said to be on its way: no page is blank meanwhile.
import { expect, test } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

test("a page whose content is on its way says so", async ({ browser }) => {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const page = await world.person("ann").browser(browser);
    const origin = new URL(page.url()).origin;
    const peer = await world.person("bob").peerId();
    let isHeld = true;
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    // Contacts are read, and the network is told by the stream of events.
    await page.route(/api\/v1\/(contacts|events)/, async (route) => {
      if (isHeld) await held;
      await route.continue().catch(() => undefined);
    });
    for (const at of ["people", `people/${peer}`, "network"]) {
      await page.goto("about:blank");
      await page.goto(`${origin}/#/${at}`);
      await expect(page.getByRole("main").getByText("Loading…"), at).toBeVisible();
      await isSound(page, `on its way: ${at}`);
    }
    isHeld = false;
    release();
    await expect(page.getByRole("table")).toBeVisible({ timeout: 30_000 });
    await page.goto(`${origin}/#/people/${peer}`);
    await expect(page.getByRole("heading", { name: "bob", level: 1 })).toBeVisible();
    await expect(page.getByRole("main").getByText("Loading…")).toBeHidden();
  } finally {
    await world.end();
  }
});
