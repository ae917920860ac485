// What a browser sees where the program was built without the app, and where it is not let in: pages of words, sound on every screen.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { expect, test, type Page } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

/** What the program answers then, pinned by its own tests: the one that is tested here has the app. */
const PINNED = new URL("../../crates/cli/tests/it/snapshots/no_app.http", import.meta.url);

const SCREENS = {
  light: { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: "light", isMobile: true },
  "phone-dark": { viewport: { width: 360, height: 740 }, colorScheme: "dark", isMobile: true },
} as const;

/** The page is as its sheet says, which the policy lets in by its hash alone. */
async function isStyled(page: Page, scheme: "light" | "dark"): Promise<void> {
  const ground = scheme === "light" ? "rgb(246, 244, 239)" : "rgb(19, 21, 23)";
  await expect(page.locator("body")).toHaveCSS("background-color", ground);
  await expect(page.locator("main")).toHaveCSS("border-top-left-radius", "22px");
}

for (const [screen, options] of Object.entries(SCREENS)) {
  test(`a program without the app says how to get it: ${screen}`, async ({ browser }, info) => {
    const [head = "", body = ""] = (await readFile(PINNED, "utf8")).split(/\n\n([^]*)/);
    const headers = Object.fromEntries(head.split("\n").map((line) => line.split(/: ([^]*)/))) as Record<
      string,
      string
    >;
    const sheet = /<style>([^]*)<\/style>/.exec(body)?.[1] ?? "";
    const hash = createHash("sha256").update(sheet).digest("base64");
    expect(headers["content-security-policy"], "the hash of page.css stands in page.rs").toContain(
      `style-src 'sha256-${hash}'`,
    );

    const context = await browser.newContext({ ...options, permissions: ["clipboard-read"] });
    const page = await context.newPage();
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) throw new Error(message.text());
    });
    await page.route("http://pinned.localhost/", (route) => route.fulfill({ headers, body }));
    await page.goto("http://pinned.localhost/");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("kith runs, without its web app");
    const steps = page.getByRole("listitem");
    await expect(steps).toHaveText([/Node/, /cargo install --locked/, /kith up/]);
    for (const step of await steps.all()) await expect(step).toBeInViewport();
    await isStyled(page, options.colorScheme);
    await page.screenshot({ path: info.outputPath("no-app.png"), fullPage: true });
    await isSound(page, `without the app: ${screen}`);
    await context.close();
  });
}

test("who is not let in, or too late, is told what to do", async ({ browser }, info) => {
  const world = await World.start(["ann"]);
  try {
    const ann = world.person("ann");
    const used = await ann.entrance();
    for (const [screen, options] of Object.entries(SCREENS)) {
      const page = await ann.stranger(browser, options);
      await page.goto(new URL("/", used).href);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("This browser is not let in");
      await expect(page.getByText("kith web")).toBeVisible();
      await isStyled(page, options.colorScheme);
      await page.screenshot({ path: info.outputPath(`not-let-in-${screen}.png`) });
      await isSound(page, `not let in: ${screen}`);
      await page.context().close();
    }
    await (await ann.stranger(browser)).goto(used);
    const late = await ann.stranger(browser, SCREENS["phone-dark"]);
    await late.goto(used);
    await expect(late.getByRole("heading", { level: 1 })).toHaveText("This address was good once");
    await isStyled(late, "dark");
    await late.screenshot({ path: info.outputPath("good-once.png") });
    await isSound(late, "an address that was used");
  } finally {
    await world.end();
  }
});
