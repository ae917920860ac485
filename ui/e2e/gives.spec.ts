// A download that two give at once: who gives which parts of it, seen and said.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

const BYTES = 48 << 20;
/** So slow that both have time to give, and a busy machine to look. */
const RATE = "1 MiB/s";

interface Source {
  peer: string | null;
  path: string | null;
  bytes: number;
  gave: number[];
}

test("two who have it give parts of their own, and the page draws which", async ({ browser }, info) => {
  const world = await World.start(["ann", "bob", "carol"]);
  try {
    await world.befriend("ann", "bob");
    await world.befriend("ann", "carol");
    await world.befriend("bob", "carol");
    const [ann, bob, carol] = ["ann", "bob", "carol"].map((name) => world.person(name));
    if (!ann || !bob || !carol) throw new Error("three people");
    const film = join(world.folder, "film.bin");
    await writeFile(film, Buffer.alloc(BYTES, 7));
    const request = { paths: [film], audience: "contacts", with: [], name: null };
    await ann.api("POST", "/shares", request);
    const get = (out: string) => ({
      source: "ann/film.bin",
      out: join(world.folder, out),
      only: [],
      wait_ms: 30_000,
      provide: true,
      keep: false,
      priorities: [],
    });
    await bob.api("POST", "/transfers", get("bobs"));
    const providers = async () =>
      (await ann.api<{ providers: string[] }[]>("GET", "/shares")).flatMap((share) => share.providers);
    await expect.poll(providers, { timeout: 60_000 }).toHaveLength(1);
    for (const person of [ann, bob]) await person.api("POST", "/limits", { upload: RATE, local: true });

    const page = await carol.browser(browser);
    await page.goto(`${new URL(page.url()).origin}/#/transfers`);
    await carol.api("POST", "/transfers", get("carols"));
    const gives = page.getByRole("region", { name: "Who gives what" });
    for (const name of ["ann", "bob"]) {
      const line = gives.getByRole("img", {
        name: new RegExp(`^${name} gave parts of \\d+–\\d+ %.*; asked now`),
      });
      await expect(line).toBeVisible({ timeout: 30_000 });
      await expect(line.locator("rect.gave").first()).toBeAttached();
      await expect(line.locator("rect.asked").first()).toBeAttached();
    }
    await expect(gives.getByText(/express lane|local network/)).toHaveCount(2);
    await expect(gives.getByText(/MiB\/s|KiB\/s/)).toHaveCount(2);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: info.outputPath(`gives-${colorScheme}.png`) });
      await isSound(page, `gives in ${colorScheme}`);
    }
    await expect(page.getByText("done", { exact: true })).toBeVisible({ timeout: 60_000 });
    await expect(page.getByRole("region", { name: "Who gave what" })).toContainText("came from them");
    await expect(page.getByText("is asked of them now")).toBeHidden();
    // It is told afterwards as well, and adds up.
    const [done] = await carol.api<{ sources: Source[] }[]>("GET", "/transfers");
    const both = done?.sources ?? [];
    // One of them may have come by a device that was heard of as well.
    const named = both.flatMap(({ peer }) => peer ?? []);
    expect(named.toSorted()).toEqual(["ann", "bob"]);
    expect(both.reduce((all, { bytes }) => all + bytes, 0)).toBe(BYTES);
    const parts =
      both[0]?.gave.map((_, at) => both.reduce((all, { gave }) => all + (gave[at] ?? 0), 0)) ?? [];
    expect(parts.every((part) => part >= 100 && part <= 100 + both.length)).toBe(true);
  } finally {
    await world.end();
  }
});
