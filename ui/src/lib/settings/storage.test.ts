import { render } from "svelte/server";
import { expect, test } from "vitest";
import { bytes } from "../text/format";
import Storage from "./Storage.svelte";

test("all that the node takes of the disk is told, and is in the sum", () => {
  const storage = { albums: 1e6, copies: 2e6, partial: 3e6, previews: 4e6, database: 5e6, free: null };
  const text = render(Storage, { props: { storage } }).body.replaceAll(/<[^>]*>/g, "");
  for (const size of [1e6, 2e6, 3e6, 4e6, 5e6, 15e6]) expect(text).toContain(bytes(size));
});
