// The first run, and two people who meet: by a code in a picture on one side, and words on both.
import { expect, test, type Page } from "@playwright/test";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let ann: Page;
let bob: Page;

test.beforeAll(async ({ browser }) => {
  world = await World.start(["ann", "bob", "cat", "dan"]);
  ann = await world.person("ann").browser(browser);
  bob = await world.person("bob").browser(browser);
});
test.afterAll(() => world?.end());

test("whoever has nothing yet is welcomed, and says their name", async () => {
  for (const [page, name] of [
    [ann, "Ann"],
    [bob, "Bob"],
  ] as const) {
    await expect(page.getByRole("heading", { name: "Welcome to kith" })).toBeVisible();
    await expect(page.getByText("It is only a suggestion")).toBeVisible();
    await page.getByLabel("Your name").fill(name);
    await page.getByRole("button", { name: "Next" }).click();
    await expect(page.getByRole("heading", { name: "Meet someone" })).toBeVisible();
  }
  expect((await world.person("ann").api<{ name: string }>("GET", "/settings")).name).toBe("Ann");
});

test("what is no invite is told apart, and why", async () => {
  await bob.getByRole("radio", { name: "Add someone" }).check();
  const field = bob.getByLabel("Invite", { exact: true });
  await field.fill("https://example.org/");
  await expect(bob.getByText("This is neither an invite nor a link.")).toBeVisible();
  await field.fill("kith:invite1qqqqqq");
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(bob.getByRole("button", { name: "Add them" })).toBeDisabled();
  await field.fill("");
});

test("an invite is added by a picture of its code", async () => {
  const code = ann.getByRole("img", { name: "Your invite as a QR code" });
  await expect(code).toBeVisible();
  const picture = await code.screenshot({ scale: "css" });
  const chosen = bob.waitForEvent("filechooser");
  await bob.getByRole("button", { name: "From a picture" }).click();
  await (await chosen).setFiles({ name: "code.png", mimeType: "image/png", buffer: picture });
  await expect(bob.getByText("calls themselves “Ann”")).toBeVisible();
  await bob.getByRole("button", { name: "Add them" }).click();
  await expect(bob.getByRole("heading", { name: "You are set up" })).toBeVisible();
  await expect(ann.getByText("Bob used your invite")).toBeVisible();
});

test("both see each other there, and by which path", async () => {
  await bob.getByRole("button", { name: "To your people" }).click();
  await expect(bob.getByRole("link", { name: /Ann.*Direct/ })).toBeVisible();
  await ann.getByRole("button", { name: "Next" }).click();
  await ann.getByRole("button", { name: "To your people" }).click();
  await ann.getByRole("link", { name: /Bob/ }).click();
  await expect(ann.getByText("Your two devices talk to each other directly.")).toBeVisible();
  // And how they were found last: Bob came, and what he tells the introducer may be read after that.
  await expect(ann.getByText(/^(because they came to us|by an introducer)$/)).toBeVisible();
});

test("an invite that is used up adds nobody, and says so", async ({ browser }) => {
  const options = { reusable: false, seconds: 3600, addresses: true };
  const made = await world.person("ann").api<{ invite: string }>("POST", "/invites", options);
  await world.person("cat").api("POST", "/contacts", { invite: made.invite, name: "Ann" });
  const dan = await world.person("dan").browser(browser);
  await dan.getByLabel("Your name").fill("Dan");
  await dan.getByRole("button", { name: "Next" }).click();
  await dan.getByRole("radio", { name: "Add someone" }).check();
  await dan.getByLabel("Invite", { exact: true }).fill(made.invite);
  await dan.getByRole("button", { name: "Add them" }).click();
  await expect(dan.getByText(/does not take this invite.*ask for a new one/)).toBeVisible();
  expect(await world.person("dan").api("GET", "/contacts")).toEqual([]);
  await dan.getByRole("button", { name: "Skip for now" }).click();
  await expect(dan.getByText("You have met nobody yet.")).toBeVisible();
});

test("both see the same safety words, those that stay and those of the moment", async () => {
  await bob.getByRole("link", { name: /Ann/ }).click();
  const words: string[][] = [];
  for (const page of [ann, bob]) {
    await page.getByRole("button", { name: "Compare safety words" }).click();
    await expect(page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
    words.push(await page.getByRole("dialog").getByRole("listitem").allTextContents());
  }
  expect(words[0]).toEqual(words[1]);
  expect(words[0]?.length).toBeGreaterThan(8);

  const live: string[][] = [];
  for (const page of [ann, bob]) {
    await page.getByRole("radio", { name: "Words of this moment" }).check();
    await page.getByRole("button", { name: "Compare now" }).click();
  }
  for (const page of [ann, bob]) {
    const items = page.getByRole("dialog").getByRole("listitem");
    await expect(items).toHaveCount(4);
    live.push(await items.allTextContents());
  }
  expect(live[0]).toEqual(live[1]);
  await ann.getByRole("button", { name: "They are the same" }).click();
  await expect(ann.getByRole("button", { name: "Remove the tag verified" })).toBeVisible();
  await bob.getByRole("dialog").getByRole("button", { name: "Close" }).click();
});

test("a contact is renamed and tagged", async () => {
  await ann.getByRole("button", { name: "More for Bob" }).click();
  await ann.getByRole("menuitem", { name: "Rename" }).click();
  await ann.getByLabel("New name").fill("Bobby");
  await ann.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(ann.getByRole("heading", { name: "Bobby", level: 1 })).toBeVisible();
  await ann.getByLabel("Add a tag").fill("family");
  await ann.getByLabel("Add a tag").press("Enter");
  await expect(ann.getByRole("button", { name: "Remove the tag family" })).toBeVisible();
});

test("an invite tells of its own use alone, and others that are open are ended", async () => {
  await ann.getByLabel("Pages").getByRole("link", { name: "People" }).click();
  await ann.getByRole("button", { name: "Invite someone" }).click();
  const dialog = ann.getByRole("dialog");
  const code = dialog.getByRole("img", { name: "Your invite as a QR code" });
  await expect(code).toBeVisible();
  const make = () => {
    const options = { reusable: false, seconds: 3600, addresses: true };
    return world.person("ann").api<{ invite: string }>("POST", "/invites", options);
  };
  await make();
  const other = await make();
  await world.person("dan").api("POST", "/contacts", { invite: other.invite, name: "Ann" });
  // What was made elsewhere and is open still; the one that Dan used is not.
  const open = dialog.getByRole("listitem");
  await expect(open).toHaveCount(1);
  await expect(code).toBeVisible();
  await expect(dialog.getByText("used your invite")).toHaveCount(0);
  await open.getByRole("button", { name: "End it" }).press("Enter");
  await expect(open).toHaveCount(0);
  await expect(code).toBeVisible();
  // The button is gone, and the focus is where it was.
  await expect(dialog.getByRole("list")).toBeFocused();
});

test("an invite that nobody took is shown again, and one that was taken is not", async () => {
  const dialog = ann.getByRole("dialog");
  const text = dialog.getByLabel("Invite as text");
  const seeAgain = async () => {
    await ann.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
    await ann.getByRole("button", { name: "Invite someone" }).click();
    return text.inputValue();
  };
  const first = await text.inputValue();
  expect(await seeAgain()).toBe(first);
  await dialog.getByRole("switch", { name: "For more than one person" }).check();
  await expect(dialog.getByText("Each waits until you confirm them.")).toBeVisible();
  await dialog.getByRole("switch", { name: "For more than one person" }).uncheck();
  await expect(text).toHaveValue(first);
  const count = async () => (await world.person("ann").api<unknown[]>("GET", "/invites")).length;
  expect(await count(), "one for one person, and one for many").toBe(2);

  await dialog.getByRole("button", { name: "Copy" }).click();
  await expect(dialog.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await seeAgain()).not.toBe(first);
  // The other may come yet.
  await expect(dialog.getByText("For one person,")).toHaveCount(1);
  expect(await count()).toBe(3);
});
