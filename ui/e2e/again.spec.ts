// Downloads that could not be, and those of what has grown since; what is not in a share; what a link leads to, while one looks.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { isSound } from "./sound";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let bob: Page;
let origin: string;
let share: string;

/** In bob's folders. */
const at = (...parts: string[]) => join(world.folder, ...parts);
const dialog = () => bob.getByRole("dialog");

test.beforeAll(async ({ browser }) => {
  world = await World.befriended(["ann", "bob"]);
  await mkdir(at("Trip", "deep"), { recursive: true });
  await writeFile(at("Trip", "one.txt"), "one");
  await writeFile(at("Trip", "deep", "two.txt"), "two");
  const ann = world.person("ann");
  const asked = { paths: [at("Trip")], audience: "contacts" };
  share = (await ann.api<{ share_id: string }>("POST", "/shares", asked)).share_id;
  bob = await world.person("bob").browser(browser);
  origin = new URL(bob.url()).origin;
});
test.afterAll(() => world?.end());

test("a download that is in the way of something goes into another folder", async () => {
  await mkdir(at("here", "Trip"), { recursive: true });
  await writeFile(at("here", "Trip", "mine.txt"), "mine");
  await bob.goto(`${origin}/#/files/${await world.person("ann").peerId()}/${share}`);
  await bob.getByRole("button", { name: "Download all" }).click();
  await bob.getByLabel("Into this folder").fill(at("here"));
  await dialog().getByRole("button", { name: "Download" }).click();
  await bob.goto(`${origin}/#/transfers`);
  const card = bob.getByRole("article");
  await expect(card.getByRole("alert")).toContainText("exists already and is something else");
  await expect(card.getByRole("button", { name: "Add what is missing there" })).toBeVisible();
  await card.getByRole("button", { name: "Choose another folder…" }).click();
  // A button that is off says why.
  const begin = dialog().getByRole("button", { name: "Download" });
  await expect(begin).toBeDisabled();
  await expect(begin).toHaveAccessibleDescription("It could not be there. Choose another folder.");
  await bob.getByLabel("Into this folder").fill("");
  await expect(dialog().getByText("Say into which folder.")).toBeVisible();
  await bob.getByLabel("Into this folder").fill(at("there"));
  await expect(begin).toHaveAccessibleDescription("");
  await isSound(bob, "another folder");
  await dialog().getByRole("button", { name: "Download" }).click();
  await expect(card.getByText("done")).toBeVisible({ timeout: 30_000 });
  await expect(card).toHaveCount(1);
  expect(await readFile(at("there", "Trip", "deep", "two.txt"), "utf8")).toBe("two");
  expect(await readFile(at("here", "Trip", "mine.txt"), "utf8")).toBe("mine");
});

test("what was downloaded is brought up to date, and what was changed there stays and is named", async () => {
  await bob.goto(`${origin}/#/files/${await world.person("ann").peerId()}/${share}`);
  await expect(bob.getByRole("button", { name: "Download all" })).toBeVisible();
  await expect(bob.getByRole("button", { name: "Update" })).toBeHidden();
  await writeFile(at("there", "Trip", "own.txt"), "bob's own");
  await writeFile(at("there", "Trip", "one.txt"), "one, as bob has it");
  // As many files as before, and one of them is another; then one more.
  await writeFile(at("Trip", "one.txt"), "one, as ann has it now");
  await writeFile(at("Trip", "deep", "two.txt"), "two, and more");
  await expect(bob.getByRole("button", { name: "Update" })).toBeVisible({ timeout: 30_000 });
  await writeFile(at("Trip", "three.txt"), "three");
  await expect(bob.getByText("three.txt")).toBeVisible({ timeout: 30_000 });
  await bob.getByRole("button", { name: "Update" }).click();
  await expect(dialog().getByText(/What you changed stays as you have it/)).toBeVisible();
  await isSound(bob, "what is newer");
  await dialog().getByRole("button", { name: "Update", exact: true }).click();
  const begun = bob.locator(".toast", { hasText: "It is being brought up to date" });
  await begun.getByRole("link", { name: "See how it goes" }).click();
  await expect(begun).toBeHidden();
  const card = bob.getByRole("article").filter({ hasText: "added" });
  await expect(card.getByText("1 file added, 1 file replaced")).toBeVisible({ timeout: 30_000 });
  await expect(card.getByText("Kept as it is here, because it was changed here:")).toBeVisible();
  await expect(card.getByRole("listitem").filter({ hasText: "one.txt" })).toBeVisible();
  await bob.screenshot({ path: test.info().outputPath("updated.png") });
  await isSound(bob, "what was kept");
  const here = (...parts: string[]) => readFile(at("there", "Trip", ...parts), "utf8");
  expect(await here("one.txt")).toBe("one, as bob has it");
  expect(await here("own.txt")).toBe("bob's own");
  expect(await here("deep", "two.txt")).toBe("two, and more");
  expect(await here("three.txt")).toBe("three");
  await bob.goBack();
  await expect(bob.getByRole("button", { name: "Download all" })).toBeVisible();
});

test("what is missing is added to the folder that was in the way", async () => {
  const source = `ann/${share}`;
  const asked = { source, out: at("here"), only: [], wait_ms: 0, provide: false, keep: false };
  await world.person("bob").api("POST", "/transfers", asked);
  await bob.goto(`${origin}/#/transfers`);
  await bob.getByRole("button", { name: "Add what is missing there" }).click();
  await expect
    .poll(() => readFile(at("here", "Trip", "deep", "two.txt"), "utf8").catch(() => ""), { timeout: 30_000 })
    .toBe("two, and more");
  expect(await readFile(at("here", "Trip", "mine.txt"), "utf8")).toBe("mine");
});

test("who looks at what a link leads to sees it change", async ({ browser }) => {
  await mkdir(at("Linked"));
  await writeFile(at("Linked", "first.txt"), "first");
  const asked = { paths: [at("Linked")], audience: "link" };
  const { link } = await world.person("ann").api<{ link: string }>("POST", "/shares", asked);
  const page = await world.person("bob").browser(browser);
  await page.goto(`${origin}/#/files/link/${encodeURIComponent(link)}`);
  await expect(page.getByText("first.txt")).toBeVisible();
  await writeFile(at("Linked", "second.txt"), "second");
  await expect(page.getByText("second.txt")).toBeVisible({ timeout: 45_000 });
  await page.context().close();
});

test("what is not in a share is named, and what is empty says what to do", async ({ browser }) => {
  await mkdir(at("Bare"));
  await writeFile(at("Bare", "notes.txt"), "where it was");
  const ann = world.person("ann");
  const made = await ann.api<{ share_id: string }>("POST", "/shares", {
    paths: [at("Bare")],
    audience: "contacts",
    bare: true,
  });
  const page = await ann.browser(browser);
  await page.goto(`${new URL(page.url()).origin}/#/albums/mine/${made.share_id}`);
  await expect(page.getByText(/^Put something into .*Bare/)).toBeVisible();
  await page.getByRole("button", { name: /^More for/ }).click();
  await page.getByRole("menuitem", { name: "What is not in it" }).click();
  await expect(page.getByRole("dialog").getByRole("listitem")).toContainText("notes.txt");
  await isSound(page, "what is not in it");
  await page.keyboard.press("Escape");
  const empty = await ann.api<{ share_id: string }>("POST", "/albums", {
    name: "Empty",
    audience: "contacts",
    with: [],
  });
  await page.goto(`${new URL(page.url()).origin}/#/albums/mine/${empty.share_id}`);
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Add pictures or files" }).click();
  await (await chooser).setFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
  // Nobody has looked whether a text says where it was taken.
  await page.getByRole("dialog").getByRole("button", { name: "Add them" }).click();
  await expect(page.getByText("a.txt")).toBeVisible();
  await page.context().close();
});
