import { describe, expect, it } from "vitest";
import type { Contact, NetworkSession, Share, Transfer } from "../api/client";
import { applyEvent, type Model } from "./events";

const ann: Contact = {
  name: "ann",
  note: "",
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
  with_peers: [],
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
const upload: Transfer = {
  direction: "upload",
  state: "running",
  what: "summer",
  bytes: 1,
  files: 0,
  rate: 1,
  background: false,
};
const session: NetworkSession = {
  peer_id: "peer1ann",
  device_id: "device1",
  face: "contact",
  path: "direct",
  rtt_ms: 12,
  seconds: 1,
  streams: 0,
  bytes_sent: 0,
  bytes_received: 0,
  paths: [],
};
const model: Model = {
  contacts: [ann, bob],
  shares: [share],
  transfers: [transfer],
  network: null,
  used: {},
  unreached: {},
};

describe("an event", () => {
  it("that says why somebody is not reached is kept until they are there", () => {
    const away = applyEvent(model, "unreachable", { peer_id: "peer1bob", reason: "they are offline" }).model;
    expect(away.unreached).toEqual({ peer1bob: "they are offline" });
    expect(applyEvent(away, "online", { peer_id: "peer1bob" }).model.unreached).toEqual({});
  });

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

  it("that an invite was used says which, and by whom", () => {
    const first = applyEvent(model, "invite_used", { invite_id: "inviteid1x", peer_id: "peer1ann" });
    expect(first.stale).toEqual(["contacts"]);
    const second = applyEvent(first.model, "invite_used", { invite_id: "inviteid1y", peer_id: "peer1bob" });
    expect(second.model.used).toEqual({ inviteid1x: "peer1ann", inviteid1y: "peer1bob" });
  });

  it("of a share says its new version", () => {
    const told = { share_id: "share1x", name: "summer", hash: "new", bytes: 2, files: 2 };
    expect(applyEvent(model, "share_changed", told).model.shares[0]).toMatchObject({ hash: "new", files: 2 });
  });

  it("of a transfer moves it on, and reads only when its state is another", () => {
    const on = applyEvent(model, "transfer", { id: 7, state: "running", bytes: 50, total: 100, rate: 10 });
    expect(on.model.transfers[0]).toMatchObject({ bytes: 50, rate: 10, seconds_left: 5 });
    expect(on.stale).toEqual([]);
    const absent = { id: 7, state: "waiting", absent: true, bytes: 50, rate: 0 };
    expect(applyEvent(model, "transfer", absent).model.transfers[0]).toMatchObject({ absent: true });
    const examined = { id: 7, state: "running", examining: true, bytes: 50, rate: 0 };
    expect(applyEvent(model, "transfer", examined).model.transfers[0]).toMatchObject({ examining: true });
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
    expect(applyEvent(model, "missed", { count: 3 }).stale).toHaveLength(5);
  });

  it("that somebody has something new has them asked, and nothing else", () => {
    const applied = applyEvent(model, "offered", { peer_id: "peer1ann", share_id: "share1y" });
    expect(applied).toMatchObject({ peer: "peer1ann", stale: [] });
    expect(applied.model).toEqual(model);
  });

  it("that something is shared or was fetched has shares read, whoever did it", () => {
    expect(applyEvent(model, "listed", { share_id: "share1y" }).stale).toEqual(["shares"]);
    expect(applyEvent(model, "fetched", { share_id: "share1x", peer_id: null }).stale).toEqual(["shares"]);
    expect(applyEvent(model, "settings", {}).stale).toEqual(["settings"]);
  });

  it("of what is served replaces what was served, and leaves what is fetched", () => {
    const first = applyEvent(model, "uploads", { uploads: [upload, upload] }).model;
    expect(first.transfers).toEqual([transfer, upload, upload]);
    expect(applyEvent(first, "uploads", { uploads: [] }).model.transfers).toEqual([transfer]);
  });

  it("of a transfer says who gives which parts", () => {
    const sources = [{ bytes: 5, rate: 1, gave: [100, 0], asked: [0, 50] }];
    const told = { id: 7, state: "running", bytes: 50, total: 100, rate: 10, sources };
    expect(applyEvent(model, "transfer", told).model.transfers[0]?.sources).toEqual(sources);
  });

  it("of the network says by which path whoever is there is reached", () => {
    const online = applyEvent(model, "online", { peer_id: "peer1ann" }).model;
    const network = {
      peer_id: "me",
      sessions: [session, { ...session, peer_id: "peer1bob" }],
      introducers: [],
    };
    const told = applyEvent(online, "network", network).model;
    expect(told.network).toEqual(network);
    expect(told.contacts[0]).toMatchObject({ path: "direct", rtt_ms: 12 });
    expect(told.contacts[1]).toEqual(bob);
  });

  it("never changes the model it is given", () => {
    const before = structuredClone(model);
    applyEvent(model, "online", { peer_id: "peer1ann" });
    applyEvent(model, "transfer", { id: 7, state: "done", bytes: 100, rate: 0 });
    expect(model).toEqual(before);
  });
});
