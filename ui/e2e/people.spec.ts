// What becomes of people after they have met, and what the owner wants of the node.
import { expect, test, type Page } from "@playwright/test";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let ann: Page;

test.beforeAll(async ({ browser }) => {
  world = await World.start(["ann", "bob", "cat"]);
  await world.befriend("ann", "cat");
  ann = await world.person("ann").browser(browser);
});
test.afterAll(() => world?.end());

const to = (page: Page, at: string) => page.goto(`${new URL(page.url()).origin}/#/${at}`);

test("who comes by an invite for several people waits to be let in", async () => {
  await to(ann, "people");
  await ann.getByRole("button", { name: "Invite someone" }).click();
  await ann.getByRole("switch", { name: "For more than one person" }).check();
  await expect(ann.getByText("Each waits until you confirm them.")).toBeVisible();
  const invite = await ann.getByLabel("Invite as text").inputValue();
  await ann.keyboard.press("Escape");
  await world.person("bob").api("POST", "/contacts", { invite, name: "ann" });
  await ann.getByRole("link", { name: /bob.*Waits for you/ }).click({ timeout: 30_000 });
  await ann.getByRole("button", { name: "Let in" }).click();
  await expect(ann.getByText("bob is let in", { exact: true })).toBeVisible();
  await expect(ann.getByRole("heading", { name: "Waiting to be let in" })).toBeHidden();
  const contacts = await world.person("ann").api<{ name: string; state: string }[]>("GET", "/contacts");
  expect(contacts.find(({ name }) => name === "bob")?.state).toBe("confirmed");
});

test("a name that is taken is refused at its field", async () => {
  const dialog = ann.getByRole("dialog", { name: "Rename" });
  await ann.getByRole("button", { name: "More for bob" }).click();
  await ann.getByRole("menuitem", { name: "Rename" }).click();
  await dialog.getByLabel("New name").fill("cat");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("New name")).toHaveAccessibleDescription(/another contact is called cat/i);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(ann.getByRole("button", { name: "More for bob" })).toBeFocused();
});

test("who is blocked no more needs a new invite, and who is removed is gone", async () => {
  const choose = async (item: string) => {
    await ann.getByRole("button", { name: "More for bob" }).click();
    await ann.getByRole("menuitem", { name: item, exact: true }).click();
  };
  await choose("Block");
  await ann.getByRole("dialog").getByRole("button", { name: "Block" }).click();
  await expect(ann.getByText("Blocked", { exact: true })).toBeVisible();
  await choose("Unblock");
  await expect(
    ann.getByText("bob is not blocked any more. To meet again, one of you needs a new invite."),
  ).toBeVisible();
  await expect(ann.getByText("Blocked", { exact: true })).toBeHidden();
  await choose("Remove");
  await ann.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(ann.getByRole("heading", { name: "People", level: 1 })).toBeFocused();
  await expect(ann.getByRole("link", { name: /cat/ })).toBeVisible();
  await expect(ann.getByRole("link", { name: /bob/ })).toBeHidden();
});

test("many people are found by name and by tag", async ({ browser }) => {
  const page = await world.person("ann").browser(browser);
  // As many as nobody sees at a glance; their nodes are not needed for it.
  const [cat] = await world.person("ann").api<object[]>("GET", "/contacts");
  const many = Array.from({ length: 9 }, (_, at) => ({
    ...cat,
    peer_id: `peer1friend${at}`,
    name: `Friend ${at + 1}`,
    tags: at === 4 ? ["family"] : [],
  }));
  await page.route("**/api/v1/contacts", (route) => route.fulfill({ json: many }));
  await to(page, "people");
  await page.reload();
  const people = page.getByRole("main").getByRole("link", { name: /Friend/ });
  await expect(people).toHaveCount(9);
  const search = page.getByRole("searchbox", { name: "Search by name or tag" });
  await search.fill("friend 7");
  await expect(people).toHaveText([/Friend 7/]);
  await search.fill("FAMILY");
  await expect(people).toHaveText([/Friend 5/]);
  await search.fill("nobody");
  await expect(page.getByText("Nobody goes by that.")).toBeVisible();
  await page.context().close();
});

test("a person has a note and limits of their own", async () => {
  await to(ann, "people");
  await ann.getByRole("link", { name: /cat/ }).click();
  const note = ann.getByLabel("Note", { exact: true });
  await note.fill("from the <b>choir</b>");
  await ann.locator("form", { has: note }).getByRole("button", { name: "Save" }).click();
  const cat = async () =>
    (await world.person("ann").api<{ name: string; note: string }[]>("GET", "/contacts"))[0];
  await expect.poll(async () => (await cat())?.note).toBe("from the <b>choir</b>");

  const limits = ann.locator("section", { has: ann.getByRole("heading", { name: "How fast" }) });
  const peers = async () =>
    (await world.person("ann").api<{ peers: { upload: string | null }[] }>("GET", "/limits")).peers;
  const [upload, save] = [limits.getByLabel("Upload"), limits.getByRole("button", { name: "Save" })];
  await upload.fill("512 kib/s");
  await save.click();
  await expect(upload).toHaveValue("512 KiB/s");
  expect(await peers()).toMatchObject([{ peer: "cat", upload: "512 KiB/s", download: null }]);
  await ann.reload();
  await expect(note).toHaveValue("from the <b>choir</b>");
  await to(ann, "settings");
  await expect(ann.getByText(/Other limits hold for cat/)).toBeVisible();
  await ann.getByRole("link", { name: "cat" }).click();
  await upload.fill("");
  await save.click();
  await expect.poll(peers).toEqual([]);
});

test("limits and switches are kept by the node", async () => {
  await to(ann, "settings");
  const limits = ann.locator("section", { has: ann.getByRole("heading", { name: "Limits" }) });
  await limits.getByLabel("Upload", { exact: true }).fill("3 MiB/s");
  await limits.getByRole("button", { name: "Save" }).click();
  await expect(ann.getByText("Saved", { exact: true })).toBeVisible();
  expect(await world.person("ann").api("GET", "/limits")).toMatchObject({ upload: 3 << 20 });
  const findable = async () =>
    (await world.person("ann").api<{ findable: boolean }>("GET", "/settings")).findable;
  expect(await findable()).toBe(false);
  await ann.getByRole("switch", { name: /PeerId/ }).check();
  await expect.poll(findable).toBe(true);
});

test("an introducer is not forgotten by one click, and what is none is told apart", async () => {
  const section = ann.locator("section", { has: ann.getByRole("heading", { name: "Introducers" }) });
  await section.getByLabel("Add an introducer").fill("somewhere.example");
  await expect(section.getByText("This is no introducer.")).toBeVisible();
  await section.getByRole("button", { name: "Remove" }).click();
  const dialog = ann.getByRole("dialog", { name: "Remove this introducer?" });
  await expect(dialog.getByLabel("Its line")).toHaveValue(/^kith:introducer1/);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(section.getByRole("button", { name: "Remove" })).toBeVisible();
});

test("another browser is let in no more, and this one not by mistake", async ({ browser }) => {
  const other = await world.person("ann").browser(browser);
  await to(ann, "people");
  await to(ann, "settings");
  const section = ann.locator("section", { has: ann.getByRole("heading", { name: /^Browsers/ }) });
  const [those, here] = [section.getByRole("listitem"), /This browser/];
  await expect(those.filter({ hasText: here })).toHaveCount(1);
  await those.filter({ hasText: here }).getByRole("button", { name: "Let in no more" }).click();
  await ann.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  const before = await those.count();
  await those.filter({ hasNotText: here }).last().getByRole("button", { name: "Let in no more" }).click();
  await expect(those).toHaveCount(before - 1);
  await expect(other.getByText("This browser is not let in any more.")).toBeVisible({ timeout: 30_000 });
  await expect(ann.getByText("This browser is not let in any more.")).toBeHidden();
});
