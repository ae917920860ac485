// Who and what means ill: other sites, other names, pictures that are none, a disk that is full; and a second tab, which does not.
import { createServer, type Server } from "node:http";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { AVIF, drop, makePicture } from "./pictures";
import { World } from "./world";

test.describe.configure({ mode: "serial" });

let world: World;
let foreign: Server;

test.beforeAll(async () => {
  world = await World.befriended(["ann", "bob"]);
  foreign = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>Another site</title><p>Another site</p>");
  });
  await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve));
});
test.afterAll(async () => {
  foreign?.close();
  await world?.end();
});

const shares = async () => (await world.person("bob").api<unknown[]>("GET", "/shares")).length;

test("a page of another site reads nothing, does nothing and frames nothing", async ({ browser }) => {
  const app = await world.person("bob").browser(browser);
  const origin = new URL(app.url()).origin;
  const { port } = foreign.address() as AddressInfo;
  for (const host of ["127.0.0.1", "localhost", "evil.localhost"]) {
    // In the browser that is let in, with its cookie.
    const page = await app.context().newPage();
    await page.goto(`http://${host}:${port}/`);
    const tried = await page.evaluate(async (origin) => {
      const album = JSON.stringify({ name: "taken over", with: [] });
      const sent = { method: "POST", credentials: "include", body: album } as const;
      const json = { "content-type": "application/json" };
      const outcome = (call: Promise<Response>) =>
        call.then(
          (response) => `${response.type} ${response.status}`,
          () => "refused",
        );
      navigator.sendBeacon(`${origin}/api/v1/albums`, album);
      return {
        read: await outcome(fetch(`${origin}/api/v1/contacts`, { credentials: "include" })),
        folders: await outcome(fetch(`${origin}/api/v1/folders`, { credentials: "include" })),
        post: await outcome(fetch(`${origin}/api/v1/albums`, { ...sent, headers: json })),
        blind: await outcome(fetch(`${origin}/api/v1/albums`, { ...sent, mode: "no-cors" })),
      };
    }, origin);
    expect(tried.read).toBe("refused");
    expect(tried.folders).toBe("refused");
    expect(tried.post).toBe("refused");
    // What is blind is sent, and tells nothing; or the browser does not let it out at all.
    expect(["opaque 0", "refused"]).toContain(tried.blind);

    // A form, as a page sends it without a script.
    const posted = page.waitForResponse((response) => response.url().startsWith(origin));
    await page.evaluate((origin) => {
      const form = document.createElement("form");
      form.method = "post";
      form.enctype = "text/plain";
      form.action = `${origin}/api/v1/albums`;
      const field = document.createElement("input");
      field.name = '{"name":"taken over","with":["';
      field.value = '"]}';
      form.append(field);
      document.body.append(form);
      form.submit();
    }, origin);
    expect([401, 403]).toContain((await posted).status());
    await page.waitForURL(`${origin}/**`);

    await page.goto(`http://${host}:${port}/`);
    await page.evaluate((origin) => {
      const frame = document.createElement("iframe");
      frame.src = `${origin}/`;
      document.body.append(frame);
      return new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
    }, origin);
    const framed = page.frames().find((frame) => frame !== page.mainFrame());
    expect(await framed?.evaluate(() => document.querySelector("#app") !== null)).toBe(false);
    await page.close();
  }
  expect(await shares()).toBe(0);
  // The app's own page is as it was.
  await app.reload();
  await expect(app.getByRole("heading", { level: 1 })).toBeVisible();
  await app.context().close();
});

test("a name that leads to this computer leads nowhere", async ({ browser, playwright, launchOptions }) => {
  const app = await world.person("bob").browser(browser);
  const { port } = new URL(app.url());
  await app.context().close();
  // What a resolver does that answers 127.0.0.1 for a name of its own.
  const args = [...(launchOptions.args ?? []), "--host-resolver-rules=MAP evil.example 127.0.0.1"];
  const other = await playwright.chromium.launch({ ...launchOptions, args });
  try {
    const page = await other.newPage();
    const answered = await page.goto(`http://evil.example:${port}/`);
    expect(answered?.status()).toBe(421);
    expect(await page.content()).not.toContain("peer1");
    const read = await page.evaluate(async () => {
      const all = ["/api/v1/status", "/api/v1/folders", "/api/v1/contacts"].map((path) =>
        // The page that says no lets nothing be loaded either.
        fetch(path).then(
          (response) => response.status,
          () => 0,
        ),
      );
      return Promise.all(all);
    });
    expect(read.filter((status) => status !== 0 && status !== 421)).toEqual([]);
  } finally {
    await other.close();
  }
});

test("a second tab is let in, shows the same, and outlives the first", async ({ browser }) => {
  const first = await world.person("bob").browser(browser);
  const second = await first.context().newPage();
  await second.goto(new URL("/", first.url()).href);
  await expect(second.getByRole("heading", { name: "Albums", level: 1 })).toBeVisible();
  const album = async (page: Page, name: string) => {
    await page.getByRole("button", { name: "New album" }).first().click();
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByRole("button", { name: "Share", exact: true }).click();
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
    await page.goto(`${new URL(page.url()).origin}/#/albums`);
  };
  await album(first, "Made in the first");
  await second.reload();
  await expect(second.getByRole("link", { name: /Made in the first/ })).toBeVisible();
  await album(second, "Made in the second");
  await first.reload();
  await expect(first.getByRole("link", { name: /Made in the second/ })).toBeVisible();
  // One that is closed takes nothing with it.
  await first.close();
  await album(second, "Made alone");
  // The address that let them in is used up, and this browser needs none any more.
  const { url } = await world.person("bob").api<{ url: string }>("POST", "/web/codes");
  for (let time = 0; time < 2; time += 1) expect((await second.goto(url))?.status()).toBe(200);
  await second.goto(new URL("/", url).href);
  await expect(second.getByRole("link", { name: /Made alone/ })).toBeVisible();
  await second.context().close();
  const stranger = await browser.newPage();
  await stranger.goto(url);
  await expect(stranger.getByText("kith web").first()).toBeVisible();
  await expect(stranger.locator("#app")).toHaveCount(0);
  await stranger.close();
});

/** A PNG whose header says that it has 50,000 pixels on each side (PNG, section 11.2.1), with the checksum that belongs to it. */
const BOMB = Buffer.concat([
  Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"),
  Buffer.from("0000c3500000c3500800000000", "hex"),
  Buffer.from("6ec46216", "hex"),
  Buffer.from("0000000049454e44ae426082", "hex"),
]);

test("pictures that are none are told, and the others are shown", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  // Of a picture that cannot be decoded Chromium says that a connection was refused; nothing of the app's asked for one.
  page.removeAllListeners("console");
  const folder = join(world.folder, "Mixed");
  await mkdir(folder);
  const sound = (await makePicture(page, "", 1)).buffer;
  for (const [name, bytes] of Object.entries({
    "1 sound.jpg": sound,
    "2 broken.jpg": Buffer.concat([sound.subarray(0, 200), Buffer.alloc(2_000, 9)]),
    "3 page.jpg": Buffer.from("<!doctype html><script>alert(1)</script>"),
    "4 bomb.png": BOMB,
    "5 phone.heic": Buffer.from("\0\0\0\x18ftypheic\0\0\0\0heicmif1", "latin1"),
    "6 new.avif": AVIF,
    "7 mislabelled.png": sound,
    "8 sly.avif": BOMB,
  })) {
    await writeFile(join(folder, name), bytes);
  }
  await world
    .person("ann")
    .api("POST", "/shares", { paths: [folder], audience: "contacts", with: [], name: null });
  const loaded: string[] = [];
  page.on("request", (request) => loaded.push(request.url()));
  await page.getByRole("link", { name: /Mixed/ }).click({ timeout: 30_000 });
  const tile = (name: string) => page.getByRole("link", { name }).locator(".thumb");
  for (const name of ["1 sound.jpg", "7 mislabelled.png"]) {
    await expect(tile(name), name).toHaveClass(/shown/);
  }
  for (const name of [
    "2 broken.jpg",
    "3 page.jpg",
    "4 bomb.png",
    "5 phone.heic",
    "6 new.avif",
    "8 sly.avif",
  ]) {
    await expect(tile(name), name).toHaveClass(/broken/);
  }
  await expect(tile("5 phone.heic")).toHaveText("HEIC");
  await expect(tile("6 new.avif")).toHaveText("AVIF");
  // What the provider's bounded process gave up, nothing here decodes unasked.
  const whole = () => loaded.filter((url) => url.includes("/files/") && !url.includes("/api/"));
  expect(whole()).toEqual([]);

  await page.getByRole("link", { name: "1 sound.jpg" }).click();
  const box = page.getByRole("dialog");
  await expect(box.locator("img.full.shown")).toBeVisible();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await expect(box).toHaveAccessibleName("3 page.jpg");
  await expect(box.getByRole("alert")).toContainText("no small picture of this one");
  await box.getByRole("button", { name: "Show it all the same" }).click();
  await expect(box.getByRole("alert")).toContainText("This picture cannot be shown");
  await page.keyboard.press("ArrowRight");
  await expect(box).toHaveAccessibleName("4 bomb.png");
  await expect(box.getByRole("alert")).toContainText("no small picture of this one");
  // Why is asked once, however often it is told meanwhile how contacts are reached.
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const source = new EventSource("/api/v1/events?network=true");
        let told = 0;
        source.addEventListener("network", () => {
          if (++told < 3) return;
          source.close();
          resolve();
        });
      }),
  );
  expect(loaded.filter((url) => /\/api\/v1\/files\/.*bomb/.test(url))).toHaveLength(1);
  expect(whole().some((url) => /bomb|broken|sly/.test(url))).toBe(false);
  await page.keyboard.press("ArrowRight");
  await expect(box.getByRole("alert")).toContainText("does not show HEIC pictures");
  await page.keyboard.press("ArrowRight");
  await expect(box).toHaveAccessibleName("6 new.avif");
  await expect(box.locator("img.full.shown")).toBeVisible();
  await page.keyboard.press("ArrowRight");
  await expect(box).toHaveAccessibleName("7 mislabelled.png");
  await expect(box.locator("img.full.shown")).toBeVisible();
  // By its name it is a picture that browsers show and providers make no small one of; by its bytes it is a bomb.
  await page.keyboard.press("ArrowRight");
  await expect(box).toHaveAccessibleName("8 sly.avif");
  await expect(box.getByRole("alert")).toContainText("no small picture of this one");
  expect(whole().some((url) => url.includes("sly"))).toBe(false);
  await page.context().close();
});

test("pictures that find no room are told, and are tried again when there is some", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  const pictures = await Promise.all([1, 2, 3].map((at) => makePicture(page, `IMG_${at}.jpg`, at)));
  // The daemon's own words for it; `cli/tests/it/full_disk.rs` fills a disk.
  const words = "there is no space left on the disk for it; make some and try again";
  await page.route(/files\/IMG_2\.jpg$/, (route) =>
    route.request().method() === "POST"
      ? route.fulfill({
          status: 507,
          contentType: "application/json",
          body: JSON.stringify({ kind: "failed", message: words }),
        })
      : route.continue(),
  );
  await drop(page, page.getByRole("heading", { name: "Albums", level: 1 }), pictures);
  await page.getByLabel("Name", { exact: true }).fill("No room");
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await expect(page.getByText("One file was not added")).toBeVisible();
  await expect(page.getByText(`IMG_2.jpg: ${words}`)).toBeVisible();
  const tiles = page.getByRole("list", { name: "Pictures" }).getByRole("link");
  await expect(tiles).toHaveCount(2);
  await page.unroute(/files\/IMG_2\.jpg$/);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(tiles).toHaveCount(3);
  await expect(page.getByText("was not added")).toBeHidden();
  await page.context().close();
});

test("a picture of which the answer was lost is tried again, and is there once", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  await page.evaluate(() => {
    const { send } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.send = function (body) {
      XMLHttpRequest.prototype.send = send;
      // The node has it by then; the page does not hear of that.
      this.onload = () => this.onerror?.(new ProgressEvent("error"));
      send.call(this, body);
    };
  });
  await drop(page, page.getByRole("heading", { name: "Albums", level: 1 }), [
    await makePicture(page, "IMG_1.jpg", 1),
  ]);
  await page.getByLabel("Name", { exact: true }).fill("Once");
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await expect(page.getByText("One file was not added")).toBeVisible();
  const tiles = page.getByRole("list", { name: "Pictures" }).getByRole("link");
  await expect(tiles).toHaveCount(1);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("was not added")).toBeHidden();
  expect(await readdir(join(world.person("bob").data, "albums", "Once"))).toEqual(["IMG_1.jpg"]);
  await page.context().close();
});

test("a page that is closed while pictures are on their way asks first", async ({ browser }) => {
  const page = await world.person("bob").browser(browser);
  // They never get there.
  await page.route(/files\/IMG_/, () => undefined);
  await drop(page, page.getByRole("heading", { name: "Albums", level: 1 }), [
    await makePicture(page, "IMG_1.jpg", 1),
  ]);
  await page.getByLabel("Name", { exact: true }).fill("Under way");
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await expect(page.getByText("Adding 0 of 1…")).toBeVisible();
  // Wherever one is by then.
  await page.goto(`${new URL(page.url()).origin}/#/people`);
  await expect(page.getByRole("heading", { name: "People", level: 1 })).toBeVisible();
  await expect(page.getByText("Adding 0 of 1…")).toBeVisible();
  const asked = page.waitForEvent("dialog");
  await page.close({ runBeforeUnload: true });
  const dialog = await asked;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.dismiss();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByText("Stopped: 0 of 1 file added")).toBeVisible();
  await page.context().close();
});

test("a browser that is let in no more is told how it would be again", async ({ browser }) => {
  const bob = world.person("bob");
  const page = await bob.browser(browser);
  await expect(page.getByRole("heading", { name: "Albums", level: 1 })).toBeVisible();
  for (const { id } of await bob.api<{ id: number }[]>("GET", "/web/browsers")) {
    await bob.api("DELETE", `/web/browsers/${id}`);
  }
  await expect(page.getByText(/not let in any more.*kith web --open/)).toBeVisible();
  await page.context().close();
});

test("a file that is dropped where nothing takes it does not take the place of the app", async ({
  browser,
}) => {
  const page = await world.person("bob").browser(browser);
  await page.goto(`${new URL(page.url()).origin}/#/network`);
  const heading = page.getByRole("heading", { level: 1 });
  await expect(heading).toBeVisible();
  const isRefused = await heading.evaluate((it) => {
    const data = new DataTransfer();
    data.items.add(new File(["x"], "x.jpg", { type: "image/jpeg" }));
    const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    return !it.dispatchEvent(event);
  });
  expect(isRefused).toBe(true);
  await page.context().close();
});
