import { describe, expect, it } from "vitest";
import type { Contact, Share, Transfer } from "../api/client";
import { applyEvent, type Model } from "./events";

const ann: Contact = {
  name: "ann",
  peer_id: "peer1ann",
  state: "confirmed",
  online: false,
  path: "none",
  tags: [],
  speaks: [],
  mutual: true,
};
const bob: Contact = { ...ann, name: "bob", peer_id: "peer1bob" };
const share: Share = {
  share_id: "share1x",
  bare: false,
  album: true,
  link: "kith:link1x",
  hash: "old",
  bytes: 1,
  files: 1,
  name: "summer",
  audience: "contacts",
  with: [],
  paths: ["/pictures"],
  kept: true,
  providers: [],
  fetches: [],
  left_out: [],
  left_out_count: 0,
};
const transfer: Transfer = {
  id: 7,
  direction: "download",
  state: "running",
  what: "summer",
  bytes: 10,
  total: 100,
  files: 0,
  rate: 5,
  background: true,
};
const model: Model = { contacts: [ann, bob], shares: [share], transfers: [transfer] };

describe("an event", () => {
  it("that somebody came shows at once, and their path is read", () => {
    const applied = applyEvent(model, "online", { peer_id: "peer1ann" });
    expect(applied.model.contacts.map((contact) => contact.online)).toEqual([true, false]);
    expect(applied.stale).toContain("contacts");
    expect(applied.peer).toBe("peer1ann");
  });

  it("that somebody left takes their path away", () => {
    const online = applyEvent(model, "online", { peer_id: "peer1ann" }).model;
    const [contact] = applyEvent(online, "offline", { peer_id: "peer1ann" }).model.contacts;
    expect(contact).toMatchObject({ online: false, path: "none", rtt_ms: null });
  });

  it("that somebody was removed or blocked shows before anything is read", () => {
    expect(applyEvent(model, "removed", { peer_id: "peer1ann" }).model.contacts).toEqual([bob]);
    expect(applyEvent(model, "blocked", { peer_id: "peer1bob" }).model.contacts[1]?.state).toBe("blocked");
  });

  it("of a share says its new version", () => {
    const told = { share_id: "share1x", name: "summer", hash: "new", bytes: 2, files: 2 };
    expect(applyEvent(model, "share_changed", told).model.shares[0]).toMatchObject({ hash: "new", files: 2 });
  });

  it("of a transfer moves it on, and reads only when its state is another", () => {
    const on = applyEvent(model, "transfer", { id: 7, state: "running", bytes: 50, total: 100, rate: 10 });
    expect(on.model.transfers[0]).toMatchObject({ bytes: 50, rate: 10, seconds_left: 5 });
    expect(on.stale).toEqual([]);
    const done = applyEvent(model, "transfer", { id: 7, state: "done", bytes: 100, total: 100, rate: 0 });
    expect(done.model.transfers[0]).toMatchObject({ state: "done", seconds_left: null });
    expect(done.stale).toEqual(["transfers"]);
  });

  it("of a transfer that is not known has them read", () => {
    expect(applyEvent(model, "transfer", { id: 8, state: "running", bytes: 0, rate: 0 }).stale).toEqual([
      "transfers",
    ]);
  });

  it("that others were missed has everything read", () => {
    expect(applyEvent(model, "missed", { count: 3 }).stale).toHaveLength(4);
  });

  it("never changes the model it is given", () => {
    const before = structuredClone(model);
    applyEvent(model, "online", { peer_id: "peer1ann" });
    applyEvent(model, "transfer", { id: 7, state: "done", bytes: 100, rate: 0 });
    expect(model).toEqual(before);
  });
});
