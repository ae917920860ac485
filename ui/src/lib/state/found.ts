// A share that a page is about, mine or somebody's, from what the app knows.

import { SvelteMap, SvelteSet } from "svelte/reactivity";
import * as api from "../api/client";
import { sourceOf, type ShareRef } from "../api/content";
import { BY_LINK } from "../router";
import { t } from "../text/strings";
import { live } from "./live.svelte";

export interface Found {
  of: ShareRef;
  name: string;
  /** What whoever shares it is called here; nobody where it is mine, or a stranger's. */
  owner: string | null;
  hash: string;
  /** As far as its owner says so beforehand; a link does not. */
  files: number;
  isMine: boolean;
  /** Whether its owner is a contact who is away: then nobody is asked, and what is here is shown. */
  isAway: boolean;
  /** Then, where there is no copy: who, and until when this is known to have held, in milliseconds since 1970, as far as that is. */
  away: { name: string; told: number | null } | null;
  /** Why a link leads to nothing any more, in words; it did when it was opened. */
  lost: string | null;
}

const NOT_AWAY = { isAway: false, away: null, lost: null };

/** What links say of where they lead. */
const links = new SvelteMap<
  string,
  { name: string; owner: string | null; hash?: string | undefined; files?: number; lost?: string | null }
>();

/** Those that are not where their owners share them from, as these said last: by their ids, or links. */
const absent = new SvelteSet<string>();

/** Whether its owner said last that it is not where they share it from. */
export const isAbsent = ({ share }: ShareRef): boolean => absent.has(share);

/** Asks whether what a contact shares is where they share it from: when it is opened, and whenever they say that something of theirs is otherwise. */
export function askPlace(of: ShareRef): void {
  api.head(sourceOf(of, "")).then(
    (head) => place(of.share, head),
    () => undefined,
  );
}

function place(share: string, head: api.Listed): void {
  if (head.absent) absent.add(share);
  else absent.delete(share);
}

/** How often it is asked what a link leads to, while somebody looks: its owner knows nobody to tell. */
const ASK_LINK_EVERY_MS = 15_000;

/** Has what a link leads to followed for as long as it is looked at; call what it gives in the end. A page that nobody sees asks nothing. */
export function followLink(link: string): () => void {
  const ask = async () => {
    if (document.hidden) return;
    const now = await api.head(link).catch((error: unknown) => lossOf(error));
    const told = links.get(link);
    if (!told || now === null) return;
    if (typeof now === "string") return links.set(link, { ...told, lost: now });
    place(link, now);
    if (told.hash !== now.hash || told.lost)
      links.set(link, { ...told, hash: now.hash ?? undefined, files: now.files, lost: null });
  };
  askPlace({ owner: "", share: link });
  const timer = setInterval(() => void ask(), ASK_LINK_EVERY_MS);
  return () => clearInterval(timer);
}

/** Why a link leads nowhere. That this computer's own node is away or does not let us in is told elsewhere. */
function lossOf(error: unknown): string | null {
  const isOwn = error instanceof api.ApiError && (error.kind === "away" || error.kind === "locked");
  return isOwn ? null : api.adviceOf(error);
}

/** Has the daemon read a link, which asks nobody; one that it cannot read shows when it is listed. */
export async function readLink(link: string): Promise<void> {
  if (links.has(link)) return;
  const told = await api.recognise(link).catch(() => null);
  if (told?.kind === "link") links.set(link, { name: told.name, owner: told.contact ?? null });
}

/** The share, or nothing where nobody is known to share it with us now, and there is no copy. */
export function findShare(peer: string | null, share: string): Found | undefined {
  if (peer === BY_LINK) {
    // What a link leads to shows when it is listed.
    const told = links.get(share);
    const name = told?.name || t.files.byLink;
    const owner = told?.owner ?? null;
    const hash = told?.hash ?? share;
    return {
      of: { owner: "", share },
      name,
      owner,
      hash,
      files: told?.files ?? 0,
      ...NOT_AWAY,
      lost: told?.lost ?? null,
      isMine: false,
    };
  }
  const me = live.node?.peer_id;
  if (peer === null || peer === me) {
    const mine = live.own.find((it) => it.share_id === share);
    if (!mine || me === undefined) return undefined;
    return { ...mine, of: { owner: me, share }, owner: null, ...NOT_AWAY, isMine: true };
  }
  const offered = live.offered.get(peer);
  const listed = offered?.shares.find((it) => it.share_id === share);
  const copy = findCopy(share);
  const known = listed?.hash ? { ...listed, hash: listed.hash } : copy;
  if (!known) return undefined;
  const contact = live.byPeer.get(peer);
  const owner = contact?.name ?? null;
  // A copy is here, whoever is there.
  const isAway = contact?.online === false;
  const isOld = isAway && copy?.hash !== known.hash;
  const away = isOld ? { name: contact.name, told: offered?.told.get(share) ?? null } : null;
  return { ...known, of: { owner: peer, share }, owner, isMine: false, isAway, away, lost: null };
}

/** The copy of a share that this node passes on. */
export function findCopy(share: string): api.Share | undefined {
  return live.shares.find((it) => it.owner && it.share_id === share);
}
