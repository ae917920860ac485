// The app in a real browser, with real nodes that the tests start. `KITH_BIN` is the program; `CHROMIUM` the browser.
import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const chromium = [process.env.CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));

export default defineConfig({
  testDir: "e2e",
  // What is told, and what is measured (`npm run measure`), which takes minutes and a machine that does nothing else.
  projects: [
    { name: "stories", testMatch: "*.spec.ts" },
    { name: "measure", testMatch: "*.measure.ts", retries: 0, timeout: 1_800_000 },
  ],
  outputDir: "e2e/.results",
  // One story after the other: each starts nodes of its own, on two cores.
  workers: 1,
  // What passes the second time only is listed as flaky at the end of the run, to be mended.
  retries: process.env.CI ? 1 : 0,
  // Looking at every page takes half a minute, and thrice that beside a build.
  timeout: 180_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    launchOptions: {
      ...(chromium ? { executablePath: chromium } : {}),
      args: [
        // Chromium has no sandbox for root, as in a container.
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
        // A page that is put in the place of the program's own has no address, so it may not load from loopback.
        ...(process.env.KITH_UI_DIST ? ["--disable-features=LocalNetworkAccessChecks"] : []),
      ],
    },
    trace: "retain-on-failure",
  },
});
