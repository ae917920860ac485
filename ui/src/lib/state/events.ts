// What an event of the daemon does to what the app knows: a function of values, so that it can be tested without either. An
// event that says enough is applied at once; what it does not say is named, and read anew.

import type { Contact, Network, Share, Transfer, TransferSource } from "../api/client";

/** What the app keeps of the daemon's state and reads anew when it is stale. */
export type Resource = "node" | "contacts" | "shares" | "transfers" | "status" | "settings";

export interface Model {
  contacts: Contact[];
  shares: Share[];
  transfers: Transfer[];
  /** As the daemon tells it every two seconds. */
  network: Network | null;
  /** Why somebody was not reached when that was tried last, in the daemon's words. */
  unreached: Readonly<Record<string, string>>;
  /** Who used up which invite, by its id, since the page is here. */
  used: Readonly<Record<string, string>>;
}

export interface Applied {
  model: Model;
  /** What has to be read anew. */
  stale: Resource[];
  /** The peer whose shares may be others now, where there is one. */
  peer?: string;
}

/** The events the daemon tells; anything else passes by. */
export const EVENT_NAMES = [
  "added",
  "changed",
  "removed",
  "blocked",
  "invite_used",
  "online",
  "offline",
  "unreachable",
  "speaks",
  "found",
  "share_changed",
  "listed",
  "fetched",
  "offered",
  "transfer",
  "uploads",
  "network",
  "settings",
  "missed",
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

type Data = Readonly<Record<string, unknown>>;

export function applyEvent(model: Model, name: EventName, data: Data): Applied {
  const peer = typeof data.peer_id === "string" ? data.peer_id : undefined;
  const patched = (change: Partial<Contact>): Model => ({
    ...model,
    contacts: model.contacts.map((contact) =>
      contact.peer_id === peer ? { ...contact, ...change } : contact,
    ),
  });
  switch (name) {
    case "online":
      return {
        model: withReason(patched({ online: true, takes_you_for: null }), peer, undefined),
        stale: ["contacts", "status"],
        peer,
      };
    case "offline":
      return {
        model: patched({ online: false, path: "none", rtt_ms: null }),
        stale: ["contacts", "status"],
        peer,
      };
    case "found":
      return { model: patched({ source: String(data.source) }), stale: [] };
    case "speaks":
      return { model: patched({ speaks: texts(data.protocols) }), stale: [] };
    case "removed":
      return {
        model: { ...model, contacts: model.contacts.filter((contact) => contact.peer_id !== peer) },
        stale: ["contacts", "shares"],
        peer,
      };
    case "blocked":
      return { model: patched({ state: "blocked" }), stale: ["contacts"], peer };
    case "added":
    case "changed":
      // Shares name people as they are called now.
      return { model, stale: ["contacts", "shares"], peer };
    case "invite_used":
      return {
        model:
          peer === undefined ? model : { ...model, used: { ...model.used, [String(data.invite_id)]: peer } },
        stale: ["contacts"],
      };
    case "unreachable":
      return { model: withReason(model, peer, data.reason), stale: ["contacts"] };
    case "share_changed":
      return { model: withShare(model, data), stale: ["shares"] };
    case "listed":
    case "fetched":
      return { model, stale: ["shares"] };
    case "offered":
      return { model, stale: [], peer };
    case "transfer":
      return withTransfer(model, data);
    case "uploads":
      return { model: withUploads(model, data), stale: [] };
    case "network":
      return { model: withNetwork(model, data as unknown as Network), stale: [] };
    case "settings":
      return { model, stale: ["settings"] };
    case "missed":
      return { model, stale: ["contacts", "shares", "transfers", "status", "settings"] };
  }
}

function withReason(model: Model, peer: string | undefined, reason: unknown): Model {
  if (peer === undefined) return model;
  const others = Object.entries(model.unreached).filter(([of]) => of !== peer);
  const unreached = typeof reason === "string" ? [...others, [peer, reason]] : others;
  return { ...model, unreached: Object.fromEntries(unreached) as Record<string, string> };
}

function withShare(model: Model, data: Data): Model {
  const shares = model.shares.map((share) =>
    share.share_id === data.share_id
      ? {
          ...share,
          name: String(data.name),
          hash: String(data.hash),
          bytes: Number(data.bytes),
          files: Number(data.files),
        }
      : share,
  );
  return { ...model, shares };
}

function withTransfer(model: Model, data: Data): Applied {
  const at = model.transfers.findIndex((transfer) => transfer.id === data.id);
  const known = model.transfers[at];
  if (!known) return { model, stale: ["transfers"] };
  const state = String(data.state);
  const [bytes, rate] = [Number(data.bytes), Number(data.rate)];
  const total = typeof data.total === "number" ? data.total : known.total;
  const seconds_left =
    state === "running" && rate > 0 && typeof total === "number" ? Math.round((total - bytes) / rate) : null;
  const sources = Array.isArray(data.sources) ? (data.sources as TransferSource[]) : known.sources;
  const [absent, examining] = [data.absent === true, data.examining === true];
  const now = { ...known, state, bytes, rate, total, seconds_left, sources, absent, examining };
  const transfers = model.transfers.with(at, now);
  // Why it failed, and how many files are whole, the event does not say.
  return { model: { ...model, transfers }, stale: known.state === state ? [] : ["transfers"] };
}

function withUploads(model: Model, data: Data): Model {
  const downloads = model.transfers.filter((transfer) => transfer.direction !== "upload");
  const uploads = Array.isArray(data.uploads) ? (data.uploads as Transfer[]) : [];
  return { ...model, transfers: [...downloads, ...uploads] };
}

/** Whoever is there is reached by the path that was measured last. */
function withNetwork(model: Model, network: Network): Model {
  const contacts = model.contacts.map((contact) => {
    const sessions = network.sessions.filter((session) => session.peer_id === contact.peer_id);
    const session = sessions.find(({ face }) => face === "contact") ?? sessions[0];
    if (!contact.online || !session) return contact;
    return { ...contact, path: session.path, rtt_ms: session.rtt_ms };
  });
  return { ...model, contacts, network };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
