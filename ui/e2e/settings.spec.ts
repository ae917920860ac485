// What somebody wants of their node: shown as it holds, also when it could not be changed, and in words that the node reads.
import { expect, test } from "@playwright/test";
import { isSound, shine } from "./sound";
import { World } from "./world";

let world: World;

test.beforeAll(async () => {
  world = await World.start(["ann"]);
});
test.afterAll(() => world?.end());

test("what could not be changed shows as it is", async ({ browser }) => {
  const page = await world.person("ann").browser(browser);
  await page.goto(`${new URL(page.url()).origin}/#/settings`);
  const [toggle, everyone] = [
    page.getByRole("switch", { name: /By whoever knows my PeerId/ }),
    page.getByRole("radio", { name: /Everyone/ }),
  ];
  await expect(toggle).not.toBeChecked();
  const failure = JSON.stringify({ kind: "failed", message: "the disk is gone" });
  await page.route("**/api/v1/settings", (route) =>
    route.request().method() === "POST"
      ? route.fulfill({ status: 500, contentType: "application/json", body: failure })
      : route.continue(),
  );
  await toggle.click();
  await expect(page.getByText("the disk is gone")).toBeVisible();
  await expect(toggle).not.toBeChecked();
  await everyone.click();
  await expect(everyone).not.toBeChecked();
  await expect(page.getByRole("radio", { name: /All my contacts/ })).toBeChecked();
  await page.unroute("**/api/v1/settings");
  await toggle.click();
  await expect(page.getByText("Saved")).toBeVisible();
  await expect(toggle).toBeChecked();
  await page.context().close();
});

test("what cannot be read is told, and read as soon as it can be", async ({ browser }) => {
  const page = await world.person("ann").browser(browser);
  await page.route("**/api/v1/shares", (route) =>
    route.fulfill({
      status: 500,
      contentType: "application/json",
      body: '{"kind":"failed","message":"torn"}',
    }),
  );
  await page.goto(`${new URL(page.url()).origin}/#/files`);
  await page.reload();
  await expect(page.getByText(/cannot tell all there is; trying again….*torn/)).toBeVisible();
  await expect(page.getByText("Nothing is shared yet")).toBeHidden();
  await page.unroute("**/api/v1/shares");
  await expect(page.getByText("Nothing is shared yet")).toBeVisible();
  await expect(page.getByText(/cannot tell all there is/)).toBeHidden();
  await page.context().close();
});

test("whether everything is well is said of each thing by name", async ({ browser }) => {
  const page = await world.person("ann").browser(browser);
  await page.goto(`${new URL(page.url()).origin}/#/settings`);
  await page.getByRole("button", { name: "Have a look" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: /^\s*This node/ })).toBeVisible();
  await expect(
    page.getByRole("listitem").filter({ hasText: /^\s*Introducers\s+It answers, in [\d.]+ ms\./ }),
  ).toBeVisible();
  await page.context().close();
});

test("the usual limits are edited while others hold, in any language", async ({ browser }) => {
  const ann = world.person("ann");
  await ann.api("POST", "/limits", { hours: "00:00-24:00", upload: "1 MiB/s" });
  const page = await ann.browser(browser, { locale: "de-DE" });
  await page.goto(`${new URL(page.url()).origin}/#/settings`);
  const upload = page.getByLabel("Upload", { exact: true });
  await expect(upload).toHaveValue("2 MiB/s");
  await expect(page.getByText("At this hour: upload 1 MiB/s, download none.")).toBeVisible();
  await upload.fill("1.5 MiB/s");
  const save = page.locator("section", { has: upload }).getByRole("button", { name: "Save" });
  await save.click();
  await expect(upload).toHaveValue("1536 KiB/s");
  await expect(save).toBeDisabled();
  await page.getByLabel("Download", { exact: true }).fill("4 MiB/s");
  await save.click();
  await expect(page.getByLabel("Download", { exact: true })).toHaveValue("4 MiB/s");
  await expect(upload).toHaveValue("1536 KiB/s");
  await page.context().close();
});

test("hours get rates of their own, and lose them", async ({ browser }) => {
  const ann = world.person("ann");
  const schedule = async () => (await ann.api<{ schedule: object[] }>("GET", "/limits")).schedule;
  const before = await schedule();
  const page = await ann.browser(browser);
  await page.goto(`${new URL(page.url()).origin}/#/settings`);
  await page.getByLabel("From", { exact: true }).fill("23:30");
  await page.getByLabel("To", { exact: true }).fill("05:00");
  await page.getByLabel("Upload then").fill("fast");
  await page.getByLabel("Sat", { exact: true }).check();
  await page.getByRole("button", { name: "Add these hours" }).click();
  await expect(page.getByText(/"fast" is no rate/)).toBeVisible();
  await page.getByLabel("Upload then").fill("none");
  await page.getByRole("button", { name: "Add these hours" }).click();
  const row = page.getByRole("listitem").filter({ hasText: "23:30-05:00" });
  await expect(row).toContainText("Sat");
  await expect(row).toContainText("upload none");
  await expect(page.getByLabel("Sat", { exact: true })).not.toBeChecked();
  expect(await schedule()).toHaveLength(before.length + 1);
  expect((await schedule()).at(-1)).toMatchObject({ days: ["sat"], hours: "23:30-05:00", upload: "none" });
  await row.getByRole("button", { name: "Remove" }).click();
  await expect(row).toBeHidden();
  expect(await schedule()).toEqual(before);
  await page.context().close();
});

test("limits that cannot be read are told of, and read again", async ({ browser }) => {
  const page = await world.person("ann").browser(browser);
  const failure = JSON.stringify({ kind: "failed", message: "the plan is torn" });
  await page.route("**/api/v1/limits", (route) =>
    route.fulfill({ status: 500, contentType: "application/json", body: failure }),
  );
  await page.goto(`${new URL(page.url()).origin}/#/settings`);
  const limits = page.locator("section", { has: page.getByRole("heading", { name: "Limits" }) });
  await expect(limits.getByRole("alert")).toContainText(/the plan is torn/i);
  await page.unroute("**/api/v1/limits");
  await limits.getByRole("button", { name: "Try again" }).press("Enter");
  await expect(limits.getByLabel("Download", { exact: true })).toBeVisible();
  await expect(limits.getByRole("alert")).toBeHidden();
  await expect(limits.getByRole("heading", { name: "Limits" })).toBeFocused();
  await page.context().close();
});

test("introducers are switched off and on, and their lines stay", async ({ browser }) => {
  const ann = world.person("ann");
  const page = await ann.browser(browser);
  await page.goto(`${new URL(page.url()).origin}/#/settings`);
  const card = page.locator("section", { has: page.getByRole("heading", { name: "Introducers" }) });
  const toggle = card.getByRole("switch", { name: "Ask introducers" });
  const row = card.getByRole("listitem");
  const used = async () => (await ann.api<{ introducers: unknown[] }>("GET", "/network")).introducers.length;
  await expect(row).toContainText("answers");
  await expect(toggle).toBeChecked();
  await toggle.click();
  await expect(row).toContainText("not asked");
  await expect.poll(used).toBe(0);
  for (const colorScheme of ["light", "dark"] as const) {
    await shine(page, colorScheme);
    await isSound(page, `introducers that are off, ${colorScheme}`);
  }
  await page.getByRole("button", { name: "Have a look" }).click();
  await expect(page.getByText(/They are switched off.*switch them on under Settings/i)).toBeVisible();
  expect(await used()).toBe(0);
  await toggle.click();
  await expect(row).toContainText("answers", { timeout: 30_000 });
  await expect.poll(used).toBe(1);
  await page.context().close();
});

test("what strangers learn, who relays and what is passed on are switched, and kept by the node", async ({
  browser,
}) => {
  const ann = world.person("ann");
  const page = await ann.browser(browser);
  await page.goto(`${new URL(page.url()).origin}/#/settings`);
  const holds = () => ann.api<Record<string, unknown>>("GET", "/settings");
  for (const [name, key] of [
    ["Relay for my contacts", "relay_for_contacts"],
    ["Use relays of my contacts", "use_contact_relays"],
    ["Pass on what I fetched", "provide"],
    ["As a public server", "public_server"],
  ] as const) {
    const toggle = page.getByRole("switch", { name });
    const before = (await holds())[key] === true;
    await expect(toggle, name).toBeChecked({ checked: before });
    await toggle.click();
    await expect.poll(async () => (await holds())[key], name).toBe(!before);
    await expect(toggle, name).toBeChecked({ checked: !before });
  }
  // Strangers learn no addresses before it is started anew, and that is said.
  const later = page.getByText(/need no relay to reach it.*This holds from the next start of kith on\./);
  await expect(later).toBeVisible();
  for (const colorScheme of ["light", "dark"] as const) {
    await shine(page, colorScheme);
    await isSound(page, `a setting for the next start, ${colorScheme}`);
  }
  expect((await holds()).is_public_server).toBe(false);
  await ann.down();
  await ann.up();
  await expect(later).toBeHidden({ timeout: 30_000 });
  await expect(page.getByRole("switch", { name: "As a public server" })).toBeChecked();
  expect((await holds()).is_public_server).toBe(true);
  await page.context().close();
});

test("whom new albums are for is what one begins with, and what it takes of the disk is told", async ({
  browser,
}) => {
  const page = await world.person("ann").browser(browser);
  const to = (at: string) => page.goto(`${new URL(page.url()).origin}/#/${at}`);
  await to("settings");
  const albums = page
    .locator("section", { has: page.getByRole("heading", { name: /^Storage/ }) })
    .locator("dl > div")
    .first();
  await expect(albums).toHaveText(/Albums\s*0 B/);
  await page.getByRole("radio", { name: /Whoever has the link/ }).check();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  await to("files");
  await page.getByRole("button", { name: "Share something" }).first().click();
  const dialog = page.getByRole("dialog");
  const chooser = page.waitForEvent("filechooser");
  await dialog.getByRole("button", { name: "Choose files" }).click();
  const paper = { name: "paper.bin", mimeType: "application/pdf", buffer: Buffer.alloc(3 << 20, 1) };
  await (await chooser).setFiles(paper);
  await expect(dialog.getByRole("radio", { name: /Whoever has the link/ })).toBeChecked();
  await dialog.getByLabel("Name", { exact: true }).fill("Papers");
  await dialog.getByRole("button", { name: "Share", exact: true }).click();
  await expect(page.getByText(/for whoever has the link/)).toBeVisible();
  await to("settings");
  await expect(albums).toHaveText(/Albums\s*3(\.0)? MiB/);
  await page.context().close();
});
