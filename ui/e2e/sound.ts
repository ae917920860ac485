// Whether everybody can use a page, on this screen.
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** Has the page in one light or the other; one glides into the other, and is looked at when it has. */
export async function shine(page: Page, colorScheme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(() => Promise.all(document.getAnimations().map((it) => it.finished.catch(() => null))));
}

export async function isSound(page: Page, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter((it) => it.impact === "serious" || it.impact === "critical");
  const told = serious.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join("\n  ")}`);
  expect(told, where).toEqual([]);
  const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  expect(isTooWide, `${where} scrolls sideways`).toBe(false);
}
