// What somebody wants of their node: shown as it holds, also when it could not be changed, and in words that the node reads.
import { expect, test } from "@playwright/test";
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
