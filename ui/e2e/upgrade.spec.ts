// The daemon comes back as another version, with another app than the one in the page. The other one is made up: the same program, by another name.
import { expect, test, type Page } from "@playwright/test";
import { isSound, shine } from "./sound";
import { World } from "./world";

const newer = (page: Page) => page.getByText("Kith on this computer is another version by now");
const program = (page: Page) =>
  page.evaluate(() => document.querySelector("script[src]")?.getAttribute("src") ?? "");

/** From now on the app's files are called otherwise, as they are after each change, and those of before are gone. */
async function upgrade(page: Page, before: string): Promise<void> {
  const [script = ""] = before.split("/").slice(-1);
  const next = `UPGRADED-${script}`;
  const { origin } = new URL(page.url());
  // As the program answers, under its headers.
  for (const [from, to] of [
    ["/", "/"],
    [`/assets/${script}`, `/assets/${next}`],
  ] as const) {
    const answered = page.waitForResponse(`${origin}${from}`);
    const text = await page.evaluate((path) => fetch(path).then((it) => it.text()), from);
    // What is put in its place is of another length, and not packed.
    const ofBody = ["content-encoding", "content-length", "etag"];
    const told = Object.entries((await answered).headers());
    const headers = Object.fromEntries(told.filter(([name]) => !ofBody.includes(name)));
    const body = from === "/" ? text.replaceAll(script, next) : text;
    await page.context().route(`${origin}${to}`, (route) => route.fulfill({ headers, body }));
  }
}

test("a page of before says so, and is the new one when it is loaded again or left", async ({
  browser,
}, info) => {
  const world = await World.start(["ann"]);
  try {
    const ann = world.person("ann");
    await ann.api("POST", "/albums", { name: "Sea" });
    const page = await ann.browser(browser);
    const origin = new URL(page.url()).origin;
    await page.goto(`${origin}/#/people`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    const before = await program(page);
    const restart = async () => {
      await ann.down();
      await expect(page.getByText("Lost the node on this computer")).toBeVisible();
      await ann.up();
      await expect(page.getByText("Lost the node on this computer")).toBeHidden({ timeout: 30_000 });
    };

    // The same version says nothing.
    const looked = page.waitForResponse((it) => new URL(it.url()).pathname === "/");
    await restart();
    await (await looked).finished();
    await ann.api("POST", "/albums", { name: "Land" });
    await page.goto(`${origin}/#/albums`);
    await expect(page.getByRole("link", { name: /Land/ })).toBeVisible();
    await expect(newer(page)).toBeHidden();

    await upgrade(page, before);
    await restart();
    await expect(newer(page)).toBeVisible();
    for (const colorScheme of ["light", "dark"] as const) {
      await shine(page, colorScheme);
      await page.screenshot({ path: info.outputPath(`newer-${colorScheme}.png`) });
      await isSound(page, `a page of before, ${colorScheme}`);
    }
    await page.setViewportSize({ width: 360, height: 740 });
    await page.screenshot({ path: info.outputPath("newer-phone.png") });
    await isSound(page, "a page of before, on a phone");
    // Nobody is interrupted: what is on the page stays until they wish.
    expect(await program(page)).toBe(before);
    await page.getByRole("button", { name: "Load again" }).click();
    await expect(page.getByRole("link", { name: /Land/ })).toBeVisible();
    expect(await program(page)).toContain("UPGRADED");
    await expect(newer(page)).toBeHidden();
  } finally {
    await world.end();
  }
});

test("who goes on to another page has the new one without a word", async ({ browser }) => {
  const world = await World.start(["ann"]);
  try {
    const ann = world.person("ann");
    await ann.api("POST", "/albums", { name: "Sea" });
    const page = await ann.browser(browser);
    await page.goto(`${new URL(page.url()).origin}/#/people`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    const before = await program(page);
    await upgrade(page, before);
    await ann.down();
    await expect(page.getByText("Lost the node on this computer")).toBeVisible();
    await ann.up();
    await expect(newer(page)).toBeVisible({ timeout: 30_000 });
    await page.getByRole("link", { name: "Settings" }).click();
    await expect(page.getByRole("heading", { name: "Settings", level: 1 })).toBeVisible();
    await expect.poll(() => program(page)).toContain("UPGRADED");
    await expect(newer(page)).toBeHidden();
  } finally {
    await world.end();
  }
});
