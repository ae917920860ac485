import { expect, test } from "vitest";
import { toasts } from "./toasts.svelte";

test("what has happened is shown in front of a dialog, and behind it when that is closed", () => {
  const [page, dialog] = [Symbol("page"), Symbol("dialog")];
  const leavePage = toasts.enter(page);
  toasts.say("Saved");
  expect(toasts.in(page)).toHaveLength(1);
  const leave = toasts.enter(dialog);
  expect([toasts.in(page).length, toasts.in(dialog).length]).toEqual([0, 1]);
  leave();
  expect(toasts.in(page)).toHaveLength(1);
  leavePage();
});
