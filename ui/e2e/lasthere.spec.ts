// When somebody was here last who is away now; also after a restart.
import { expect, test } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

const DAY_MS = 86_400_000;

/** A time zone in which it is about noon, so that no midnight comes between what is said and what is looked at. */
function whereItIsNoon(): string {
  const west = new Date().getUTCHours() - 12;
  // The other way round than everybody else counts (POSIX): `Etc/GMT+3` is three hours behind.
  return `Etc/GMT${west < 0 ? "" : "+"}${west}`;
}

test("who is away was here last, and when is known after a restart", async ({ browser }) => {
  const world = await World.befriended(["ann", "bob"]);
  try {
    const [ann, bob] = [world.person("ann"), world.person("bob")];
    const seen = async () =>
      (await ann.api<{ online: boolean; last_seen: number | null }[]>("GET", "/contacts"))[0];
    const page = await ann.browser(browser, { timezoneId: whereItIsNoon() });
    await page.goto(`${new URL(page.url()).origin}/#/people`);
    const row = page.getByRole("link", { name: /bob/ });
    await expect(row).toContainText("Direct");
    await expect(row).not.toContainText("last here");

    await bob.down();
    const before = Date.now();
    await expect(row).toContainText(/Away.*last here today, \d/, { timeout: 60_000 });
    const told = (await seen())?.last_seen ?? 0;
    expect(Math.abs(told - before)).toBeLessThan(60_000);

    await ann.down();
    await ann.up();
    expect(await seen()).toMatchObject({ online: false, last_seen: told });
    await expect(row).toContainText(/last here today, \d/, { timeout: 30_000 });
    await row.click();
    await expect(page.getByText(/^last here today, \d/)).toBeVisible();
    await isSound(page, "somebody who is away");

    // As days go by.
    for (const [days, words] of [
      [1, /last here yesterday, \d/],
      [40, /last here .*\d{4}/],
    ] as const) {
      await page.route(/\/api\/v1\/contacts$/, async (route) => {
        const contacts = await ann.api<{ last_seen: number }[]>("GET", "/contacts");
        const json = contacts.map((it) => ({ ...it, last_seen: it.last_seen - days * DAY_MS }));
        return route.fulfill({ json });
      });
      await page.reload();
      await expect(page.getByText(words)).toBeVisible();
      await page.unroute(/\/api\/v1\/contacts$/);
    }
  } finally {
    await world.end();
  }
});
