// The local network as a source, switched off and on in the settings, with nodes that have no other way to find each other.
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { Namespace } from "./namespace";
import { World, type Person } from "./world";

/** To be heard of, looked for and reached, on a busy machine. */
const FOUND_WITHIN_MS = 60_000;

/** New ports and new keys: what they knew of each other's places is over. */
async function restart(people: Person[]): Promise<void> {
  for (const person of people) await person.down();
  for (const person of people) await person.up();
}

async function open(page: Page, at: string): Promise<void> {
  await page.goto(`${new URL(page.url()).origin}/#/${at}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}

test("whoever switches the local network off is not found on it, and on again is", async ({
  playwright,
}, info) => {
  const network = await Namespace.make();
  if (typeof network === "string") {
    if (process.env.CI) throw new Error(`no namespace to be on a local network in: ${network}`);
    return test.skip(true, network);
  }
  const world = await World.onLan(["ann", "bob", "carol"], network.within);
  try {
    const [ann, bob, carol] = ["ann", "bob", "carol"].map((name) => world.person(name)) as [
      Person,
      Person,
      Person,
    ];
    const { executablePath = "chromium" } = info.project.use.launchOptions ?? {};
    const browser = await playwright.chromium.launch({
      executablePath: await network.wrapper(join(world.folder, "browser"), executablePath),
      // In a user namespace everybody is root, for whom it has no sandbox.
      args: ["--no-sandbox"],
    });
    await world.befriend("ann", "bob");
    await world.befriend("carol", "bob");
    const page = await ann.browser(browser);
    await restart(world.people);
    await open(page, `people/${await bob.peerId()}`);
    await expect(page.getByText("on the local network")).toBeVisible({ timeout: FOUND_WITHIN_MS });

    await open(page, "settings");
    const lan = page.getByRole("switch", { name: "On the local network" });
    await lan.click();
    await expect(lan).not.toBeChecked();
    await restart(world.people);
    // Others find him at once.
    const online = async (person: Person) =>
      (await person.api<{ online: boolean }[]>("GET", "/contacts")).some((it) => it.online);
    await expect.poll(() => online(carol), { timeout: FOUND_WITHIN_MS }).toBe(true);
    expect(await online(ann)).toBe(false);
    await page.reload();
    await expect(lan).not.toBeChecked();
    await open(page, "people");
    const row = page.getByRole("link", { name: /bob/ });
    await expect(row).toContainText("Away");

    await open(page, "settings");
    await lan.click();
    await expect(lan).toBeChecked();
    await open(page, "people");
    await expect(row).toContainText("Direct", { timeout: FOUND_WITHIN_MS });
    await row.click();
    await expect(page.getByText("on the local network")).toBeVisible();
    await browser.close();
  } finally {
    await world.end();
    network.end();
  }
});
