// What the app knows of the daemon, kept up to date by its event stream. A connection that is lost is tried again, and what may
// have changed meanwhile is read anew.

import { untrack } from "svelte";
import * as api from "../api/client";
import { applyEvent, EVENT_NAMES, type Applied, type EventName, type Model, type Resource } from "./events";
import { toasts } from "./toasts.svelte";

/** `locked`: the daemon is there and does not let this browser in. */
export type Connection = "connecting" | "open" | "lost" | "locked";

/** What a peer shares with us, as they last said. */
export interface Offered {
  shares: api.Listed[];
  /** Whether they have been asked and answered since they came. */
  isFresh: boolean;
  /** Why they were asked in vain the last time, in words. */
  wrong: string | null;
  /** Of those that are remembered: until when that is known to have held, by their ids, in milliseconds since 1970. */
  told: ReadonlyMap<string, number>;
}

const UNTOLD: ReadonlyMap<string, number> = new Map();

/** Events come in bursts; what they make stale is read once for all of them. */
const READ_AFTER_MS = 80;
/** Between two looks at what one peer shares. Whoever says all the time that something is new is asked no more often. */
const LOOK_PAUSE_MS = 250;
/** How long to wait before something is read again that could not be. */
const READ_AGAIN_MS = 2000;
/** How long to wait before a lost daemon is tried again, at first and at most. */
const RETRY_MS = 400;
const RETRY_MS_MAX = 4000;
/** The network is told every two seconds: a stream that says nothing for so long is dead, whatever the browser thinks. */
const SILENT_MS_MAX = 10_000;
/** How long a page that nobody sees is kept up to date: a browser has six connections for all tabs of one address. */
const HIDDEN_MS_MAX = 5_000;

class Live {
  connection = $state<Connection>("connecting");
  node = $state.raw<api.NodeInfo | null>(null);
  status = $state.raw<api.Status | null>(null);
  contacts = $state.raw<api.Contact[]>([]);
  shares = $state.raw<api.Share[]>([]);
  transfers = $state.raw<api.Transfer[]>([]);
  network = $state.raw<api.Network | null>(null);
  /** Who used up which invite, since the page is here. */
  used = $state.raw<Readonly<Record<string, string>>>({});
  /** Why somebody was not reached when that was tried last. */
  unreached = $state.raw<Readonly<Record<string, string>>>({});
  /** Counts the times that settings changed, here or elsewhere. */
  settingsChanges = $state(0);
  /** By PeerId. */
  offered = $state.raw<ReadonlyMap<string, Offered>>(new Map());
  /** Whether all has been read once: before it, empty means nothing. */
  isRead = $state(false);
  /** Why something could not be read the last time, in words. */
  wrong = $state<string | null>(null);
  /** The daemon is of another version than this page by now. */
  isOld = $state(false);

  readonly byPeer = $derived(new Map(this.contacts.map((contact) => [contact.peer_id, contact])));
  /** Own shares; `shares` has copies of others' too. */
  readonly own = $derived(this.shares.filter((share) => !share.owner));
  readonly activeTransfers = $derived(
    this.transfers.filter((transfer) => transfer.state === "running" || transfer.state === "waiting"),
  );

  /** Whether somebody who is there is yet to say what they share. */
  readonly isAnyAwaited = $derived(this.contacts.some(({ peer_id }) => this.isAwaited(peer_id)));

  #source: EventSource | null = null;
  #stale = new Set<Resource>();
  /** What could not be read the last time, and why. */
  #wrong = new Map<Resource, string>();
  /** What has never been read. */
  #unread = new Set<Resource>(["node", "contacts", "shares", "transfers", "status"]);
  /** A reading that is due or under way. */
  #isReading = false;
  /** Who is being asked, and whether to ask again. */
  #looking = new Map<string, boolean>();
  #retryMs = RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #hiding: ReturnType<typeof setTimeout> | undefined;

  /** Follows the daemon until the page is gone. */
  start(): void {
    // At once, and again when the stream is open: what happens in between is told by neither.
    this.refresh(...this.#unread);
    this.#connect();
    document.addEventListener("visibilitychange", () => this.#see(!document.hidden));
    this.#see(!document.hidden);
  }

  /** What a share is called, by its id, as far as anybody has said. */
  nameOfShare(id: string): string | undefined {
    const offered = [...this.offered.values()].flatMap(({ shares }) => shares);
    return [...this.shares, ...offered].find((share) => share.share_id === id)?.name;
  }

  /** Whether a peer is there and yet to say what they share: until then, that nothing is known of it means nothing. */
  isAwaited(peer: string): boolean {
    const contact = this.byPeer.get(peer);
    if (!contact?.online || contact.state !== "confirmed" || contact.takes_you_for) return false;
    const known = this.offered.get(peer);
    return !known || (!known.isFresh && known.wrong === null);
  }

  /** Has something read anew. */
  refresh(...resources: Resource[]): void {
    for (const resource of resources) this.#stale.add(resource);
    if (this.#isReading || this.#stale.size === 0) return;
    this.#isReading = true;
    setTimeout(() => void this.#read(), READ_AFTER_MS);
  }

  /** Asks a peer what they share. While they are asked they are not asked twice, but once more afterwards. */
  async look(peer: string): Promise<void> {
    if (this.#looking.has(peer)) {
      this.#looking.set(peer, true);
      return;
    }
    do {
      this.#looking.set(peer, false);
      // Whoever calls this in an effect looks at a peer, and not at all there is to know.
      await untrack(() => this.#lookOnce(peer));
      if (this.#looking.get(peer)) await new Promise((resolve) => setTimeout(resolve, LOOK_PAUSE_MS));
    } while (this.#looking.get(peer));
    this.#looking.delete(peer);
  }

  /** One who does not have us as a contact any more shares nothing. */
  async #lookOnce(peer: string): Promise<void> {
    const contact = this.byPeer.get(peer);
    if (contact?.state !== "confirmed" || contact.takes_you_for) {
      this.#setOffered(peer, null);
      return;
    }
    if (!contact.online) return;
    try {
      const shares = await api.list(peer);
      this.#setOffered(peer, { shares, isFresh: true, wrong: null, told: UNTOLD });
    } catch (error) {
      const { shares, told } = this.offered.get(peer) ?? { shares: [], told: UNTOLD };
      this.#setOffered(peer, { shares, isFresh: false, wrong: api.adviceOf(error), told });
      const isAway =
        error instanceof api.ApiError && (error.kind === "not_found" || error.kind === "not_allowed");
      // Away for now, or for good: the next contact reading tells.
      if (isAway) this.refresh("contacts");
    }
  }

  /** What others offer may be otherwise by now: they are asked with the next reading of contacts. */
  #doubt(): void {
    for (const [peer, offered] of this.offered) {
      this.#setOffered(peer, { ...offered, isFresh: false, wrong: null });
    }
  }

  /** What those shared who are away, as it is remembered; what is not is theirs no more. */
  #recall(remembered: api.Remembered[]): void {
    for (const { peer_id: peer, online, state, takes_you_for } of this.contacts) {
      if (online || state !== "confirmed" || takes_you_for) continue;
      const theirs = remembered.filter((it) => it.peer_id === peer);
      const shares = theirs.map(({ share_id, name, hash, bytes, files, peer: of }) => {
        return { kind: "share", share_id, name, hash, bytes, files, peer: of };
      });
      const told = new Map(theirs.map((it) => [it.share_id, it.told]));
      const offered = { shares, isFresh: false, wrong: null, told };
      this.#setOffered(peer, shares.length > 0 ? offered : null);
    }
  }

  #setOffered(peer: string, offered: Offered | null): void {
    // The field is raw: what is in it is replaced, never changed.
    // eslint-disable-next-line svelte/prefer-svelte-reactivity
    const all = new Map(this.offered);
    if (offered) all.set(peer, offered);
    else if (!all.delete(peer)) return;
    this.offered = all;
  }

  /** A page that nobody sees follows nothing, and reads all anew when somebody does. */
  #see(isSeen: boolean): void {
    clearTimeout(this.#hiding);
    if (!isSeen) {
      this.#hiding = setTimeout(() => this.#close(), HIDDEN_MS_MAX);
    } else if (this.#source === null) {
      this.#connect();
    }
  }

  #close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #hear(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => void this.#lose(), SILENT_MS_MAX);
  }

  #connect(): void {
    this.#close();
    this.#hear();
    const source = new EventSource(api.EVENTS_URL);
    this.#source = source;
    source.onopen = () => {
      if (this.connection !== "connecting") void this.#compare();
      this.connection = "open";
      toasts.heal();
      this.#retryMs = RETRY_MS;
      this.#hear();
      // Whatever happened while nobody listened.
      this.#doubt();
      this.refresh("node", "contacts", "shares", "transfers", "status", "settings");
    };
    // The browser would try again by itself, but not after every failure.
    source.onerror = () => void this.#lose();
    for (const name of EVENT_NAMES) {
      source.addEventListener(name, (message: MessageEvent<string>) => this.#handle(name, message.data));
    }
  }

  /** Whether the daemon that is back has this page's program still: its name tells what is in it. */
  async #compare(): Promise<void> {
    const page = await fetch(".", { cache: "no-cache" }).catch(() => null);
    const program = document.querySelector("script[src]")?.getAttribute("src") ?? "";
    if (page?.ok && !(await page.text()).includes(program)) this.isOld = true;
  }

  async #lose(): Promise<void> {
    this.#close();
    if (this.connection === "open" || this.connection === "connecting") this.connection = "lost";
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
    // An event source does not say why it failed.
    await api.status().catch((error: unknown) => {
      if (error instanceof api.ApiError && error.kind === "locked") this.connection = "locked";
    });
  }

  #handle(name: EventName, text: string): void {
    this.#hear();
    const { contacts, shares, transfers, network, used, unreached } = this;
    const model: Model = { contacts, shares, transfers, network, used, unreached };
    const applied: Applied = applyEvent(model, name, JSON.parse(text) as Record<string, unknown>);
    this.contacts = applied.model.contacts;
    this.shares = applied.model.shares;
    this.transfers = applied.model.transfers;
    this.network = applied.model.network;
    this.used = applied.model.used;
    this.unreached = applied.model.unreached;
    if (applied.stale.length > 0) this.refresh(...applied.stale);
    if (name === "missed") this.#doubt();
    if (applied.peer !== undefined) void this.look(applied.peer);
  }

  async #read(): Promise<void> {
    const stale = [...this.#stale];
    this.#stale.clear();
    await Promise.all(stale.map((resource) => this.#try(resource)));
    this.isRead = this.#unread.size === 0;
    this.wrong = [...this.#wrong.values()][0] ?? null;
    this.#isReading = false;
    this.refresh();
  }

  /** Reads something, and again later where that cannot be. */
  async #try(resource: Resource): Promise<void> {
    this.#wrong.delete(resource);
    try {
      await this.#readOne(resource);
      this.#unread.delete(resource);
    } catch (error) {
      const kind = error instanceof api.ApiError ? error.kind : "failed";
      if (kind === "locked") this.connection = "locked";
      // The event stream notices when the daemon is gone, and has all read when it is back.
      if (kind === "locked" || kind === "away") return;
      this.#wrong.set(resource, api.wordsOf(error));
      setTimeout(() => this.refresh(resource), READ_AGAIN_MS);
    }
  }

  async #readOne(resource: Resource): Promise<void> {
    switch (resource) {
      case "node":
        this.node = await api.node();
        return;
      case "contacts":
        this.contacts = await api.contacts();
        this.#lookAround();
        // Whoever has just left is shown as they were.
        if (this.contacts.some(({ online }) => !online)) this.#recall(await api.remembered());
        return;
      case "shares":
        this.shares = await api.shares();
        return;
      case "transfers":
        this.transfers = await api.transfers();
        return;
      case "status":
        this.status = await api.status();
        return;
      case "settings":
        // Whoever shows them reads them.
        this.settingsChanges += 1;
    }
  }

  /** Asks who is there and was not asked, and forgets what those offered who are contacts no more. */
  #lookAround(): void {
    for (const peer of this.offered.keys()) {
      if (!this.byPeer.has(peer)) this.#setOffered(peer, null);
    }
    for (const contact of this.contacts) {
      const known = this.offered.get(contact.peer_id);
      const isToldOf = known && (known.isFresh || known.wrong !== null);
      if (!contact.online && isToldOf && !contact.takes_you_for) {
        this.#setOffered(contact.peer_id, { ...known, isFresh: false, wrong: null });
      } else if (!known?.isFresh || contact.state !== "confirmed" || contact.takes_you_for) {
        void this.look(contact.peer_id);
      }
    }
  }
}

export const live = new Live();
