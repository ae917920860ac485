// Two who have no path to each other but a relay: one is on IPv4 alone, the other on IPv6 alone, and both have the introducer.
import { networkInterfaces } from "node:os";
import { expect, test } from "@playwright/test";
import { isSound, shine } from "./sound";
import { World } from "./world";

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some((it) => it.address === "::1"));

test("a session that goes by a relay is shown as that, to people and on the network", async ({
  browser,
}, info) => {
  if (!hasIpv6 && process.env.CI) throw new Error("no ::1, on which one of them is to be");
  test.skip(!hasIpv6, "this machine has no ::1");
  const world = await World.start(
    ["ann", "bob"],
    () => [],
    (name) => (name === "ann" ? "127.0.0.1" : "[::1]"),
  );
  try {
    await world.befriend("ann", "bob");
    const [ann, bob] = [world.person("ann"), world.person("bob")];
    const page = await ann.browser(browser);
    const open = async (at: string) => {
      await page.goto(`${new URL(page.url()).origin}/#/${at}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    };
    await open("people");
    await expect(page.getByRole("link", { name: /bob/ })).toContainText("Over a relay");
    await isSound(page, "people, one over a relay");
    await page.getByRole("link", { name: /bob/ }).click();
    await expect(page.getByText("A relay passes on what you say to each other.")).toBeVisible();
    await isSound(page, "a person over a relay");

    await open("network");
    await expect(page.getByText("It is not the whole network; nobody sees that.")).toBeVisible();
    const map = page.getByRole("group", { name: /Map/ });
    await expect(map.getByRole("link", { name: /^bob · Over a relay/ })).toBeAttached({ timeout: 30_000 });
    const row = page.getByRole("row", { name: /^bob / });
    await expect(row).toContainText("Over a relay");
    await expect(row).toContainText(/\d ms/);
    await expect(row).toContainText(/\d (B|KiB)/);
    // The introducer's relay is what carries it.
    await expect(page.getByRole("row", { name: /^Introducer / })).toContainText(/[1-9].* (B|KiB|MiB)/);
    for (const colorScheme of ["light", "dark"] as const) {
      await shine(page, colorScheme);
      await page.screenshot({ path: info.outputPath(`relayed-${colorScheme}.png`), fullPage: true });
      await isSound(page, `the network with a relay, ${colorScheme}`);
    }
    // It is no matter of a moment.
    const sessions = await ann.api<{ sessions: { path: string }[] }>("GET", "/network");
    expect(sessions.sessions.map(({ path }) => path)).not.toContain("direct");
    expect(await bob.status("/node")).toBe(200);
  } finally {
    await world.end();
  }
});
