import { expect, test } from "vitest";
import { Spare } from "./spare";

const NOW = 1_800_000_000_000;
const DAY = 24 * 3600 * 1000;

const made = (id: string, reusable = false, leads_somewhere = true) => ({
  id,
  invite: `kith:invite1${id}`,
  expires: NOW + 7 * DAY,
  reusable,
  leads_somewhere,
});
const open = (id: string) => ({ id, made: NOW, expires: NOW + 7 * DAY, reusable: false, used_by: [] });

test("an invite that nobody took is shown again, for a day and while it is open", () => {
  const spare = new Spare();
  expect(spare.get(false, [open("a")], NOW)).toBeNull();
  spare.keep(made("a"), NOW);
  spare.keep(made("many", true), NOW);
  const all = [open("a"), open("many")];
  expect(spare.get(false, all, NOW + DAY)?.id).toBe("a");
  expect(spare.get(true, all, NOW + DAY)?.id).toBe("many");
  // Shown again, it is no newer.
  spare.keep(made("a"), NOW + DAY);
  expect(spare.get(false, all, NOW + DAY + 1)).toBeNull();
  expect(spare.get(false, [open("many")], NOW)).toBeNull();
});

test("an invite for one person that somebody was given is not shown to the next", () => {
  const spare = new Spare();
  spare.keep(made("a"), NOW);
  spare.take(made("a"));
  expect(spare.get(false, [open("a")], NOW)).toBeNull();
  spare.keep(made("many", true), NOW);
  spare.take(made("many", true));
  expect(spare.get(true, [open("many")], NOW)?.id).toBe("many");
});

test("an invite that leads nowhere is not shown again", () => {
  const spare = new Spare();
  spare.keep(made("a", false, false), NOW);
  expect(spare.get(false, [open("a")], NOW)).toBeNull();
});
