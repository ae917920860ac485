// What is downloaded by a link: its maker is nobody's contact, and nobody is called what they are not.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

test("a download by a link says that it came by one, of whoever is no contact", async ({ browser }) => {
  const world = await World.start(["ann", "bob"]);
  try {
    const [ann, bob] = [world.person("ann"), world.person("bob")];
    const folder = join(world.folder, "Papers");
    await mkdir(folder);
    await writeFile(join(folder, "one.txt"), Buffer.alloc(1 << 20, 1));
    const asked = { paths: [folder], audience: "link" };
    const { link } = await ann.api<{ link: string }>("POST", "/shares", asked);
    const get = (out: string) => ({
      source: link,
      out: join(world.folder, out),
      only: [],
      wait_ms: 60_000,
      provide: false,
      keep: false,
    });
    await bob.api("POST", "/transfers", get("received"));
    const page = await bob.browser(browser);
    await page.goto(`${new URL(page.url()).origin}/#/transfers`);
    const card = page.getByRole("article");
    await expect(card).toContainText(/by a link · done/, { timeout: 60_000 });
    const gave = card.getByRole("region", { name: "Who gave what" });
    await expect(gave).toContainText(/By a link\s*1(\.0)? MiB/);
    await expect(card).not.toContainText("Somebody who has it too");
    await expect(card).not.toContainText("peer1");
    await isSound(page, "a download by a link");
    // Whose it is sees that somebody fetched it, and not who.
    const mine = await ann.browser(browser);
    await mine.goto(`${new URL(mine.url()).origin}/#/files`);
    await mine.getByRole("link", { name: /Papers/ }).click();
    await mine.getByRole("button", { name: "More for Papers" }).click();
    await mine.getByRole("menuitem", { name: "Who fetched it" }).click();
    await expect(mine.getByRole("dialog").getByRole("listitem")).toHaveText(
      /People with the link\s*1(\.0)? MiB, all of it/,
    );
    await isSound(mine, "who fetched something by a link");

    // Whoever is a contact by now is called what they are called here.
    await world.befriend("ann", "bob");
    await expect(card).toContainText(/from ann · done/, { timeout: 30_000 });
    await bob.api("POST", "/transfers/all/cancel", { keep: true });
    await bob.api("POST", "/transfers", get("again"));
    await expect(card).toContainText(/from ann · done/, { timeout: 60_000 });
    await expect(gave).not.toContainText("Somebody who has it too");
  } finally {
    await world.end();
  }
});
