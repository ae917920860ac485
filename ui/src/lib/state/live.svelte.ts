// What the app knows of the daemon, kept up to date by its event stream. A connection that is lost is tried again, and what may
// have changed meanwhile is read anew.

import * as api from "../api/client";
import { applyEvent, EVENT_NAMES, type Applied, type EventName, type Model, type Resource } from "./events";

/** `locked`: the daemon is there and does not let this browser in. */
export type Connection = "connecting" | "open" | "lost" | "locked";

/** What a peer shares with us, as they last said. */
export interface Offered {
  shares: api.Listed[];
  /** Whether they have been asked and answered since they came. */
  isFresh: boolean;
}

/** Events come in bursts; what they make stale is read once for all of them. */
const READ_AFTER_MS = 80;
/** How long to wait before a lost daemon is tried again, at first and at most. */
const RETRY_MS = 400;
const RETRY_MS_MAX = 4000;

class Live {
  connection = $state<Connection>("connecting");
  node = $state.raw<api.NodeInfo | null>(null);
  status = $state.raw<api.Status | null>(null);
  contacts = $state.raw<api.Contact[]>([]);
  shares = $state.raw<api.Share[]>([]);
  transfers = $state.raw<api.Transfer[]>([]);
  /** By PeerId. */
  offered = $state.raw<ReadonlyMap<string, Offered>>(new Map());
  /** Whether the first reading is over: before it, empty means nothing. */
  isRead = $state(false);

  readonly byPeer = $derived(new Map(this.contacts.map((contact) => [contact.peer_id, contact])));
  /** Own shares; `shares` has copies of others' too. */
  readonly own = $derived(this.shares.filter((share) => !share.owner));
  readonly activeTransfers = $derived(
    this.transfers.filter((transfer) => transfer.state === "running" || transfer.state === "waiting"),
  );

  #source: EventSource | null = null;
  #stale = new Set<Resource>();
  #reading: ReturnType<typeof setTimeout> | null = null;
  #retryMs = RETRY_MS;

  /** Follows the daemon until the page is gone. */
  start(): void {
    // At once, and again when the stream is open: what happens in between is told by neither.
    void this.#readNode();
    this.refresh("contacts", "shares", "transfers", "status");
    this.#connect();
  }

  /** What a share is called, by its id, as far as anybody has said. */
  nameOfShare(id: string): string | undefined {
    const offered = [...this.offered.values()].flatMap(({ shares }) => shares);
    return [...this.shares, ...offered].find((share) => share.share_id === id)?.name;
  }

  /** Has something read anew. */
  refresh(...resources: Resource[]): void {
    for (const resource of resources) this.#stale.add(resource);
    if (this.#reading === null) this.#reading = setTimeout(() => void this.#read(), READ_AFTER_MS);
  }

  /** Asks a peer what they share; one who does not have us as a contact any more shares nothing. */
  async look(peer: string): Promise<void> {
    const contact = this.byPeer.get(peer);
    if (contact?.state !== "confirmed" || contact.takes_you_for) {
      this.#setOffered(peer, null);
      return;
    }
    if (!contact.online) return;
    try {
      this.#setOffered(peer, { shares: await api.list(peer), isFresh: true });
    } catch (error) {
      const isAway =
        error instanceof api.ApiError && (error.kind === "not_found" || error.kind === "not_allowed");
      // Away for now, or for good: the next contact reading tells.
      if (isAway) this.refresh("contacts");
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

  #connect(): void {
    const source = new EventSource(api.EVENTS_URL);
    this.#source = source;
    source.onopen = () => {
      this.connection = "open";
      this.#retryMs = RETRY_MS;
      // Whatever happened while nobody listened.
      this.refresh("contacts", "shares", "transfers", "status");
      void this.#readNode();
    };
    // The browser would try again by itself, but not after every failure.
    source.onerror = () => void this.#lose();
    for (const name of EVENT_NAMES) {
      source.addEventListener(name, (message: MessageEvent<string>) => this.#handle(name, message.data));
    }
  }

  async #lose(): Promise<void> {
    this.#source?.close();
    this.#source = null;
    if (this.connection === "open" || this.connection === "connecting") this.connection = "lost";
    setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
    // An event source does not say why it failed.
    await api.status().catch((error: unknown) => {
      if (error instanceof api.ApiError && error.kind === "locked") this.connection = "locked";
    });
  }

  #handle(name: EventName, text: string): void {
    const model: Model = { contacts: this.contacts, shares: this.shares, transfers: this.transfers };
    const applied: Applied = applyEvent(model, name, JSON.parse(text) as Record<string, unknown>);
    this.contacts = applied.model.contacts;
    this.shares = applied.model.shares;
    this.transfers = applied.model.transfers;
    if (applied.stale.length > 0) this.refresh(...applied.stale);
    if (applied.peer !== undefined) void this.look(applied.peer);
  }

  async #readNode(): Promise<void> {
    this.node = await api.node().catch(() => this.node);
  }

  async #read(): Promise<void> {
    const stale = this.#stale;
    this.#stale = new Set();
    this.#reading = null;
    try {
      await Promise.all([...stale].map((resource) => this.#readOne(resource)));
      this.isRead = true;
    } catch (error) {
      if (error instanceof api.ApiError && error.kind === "locked") this.connection = "locked";
      // The event stream notices when the daemon is gone, and has all read when it is back.
    }
  }

  async #readOne(resource: Resource): Promise<void> {
    switch (resource) {
      case "contacts":
        this.contacts = await api.contacts();
        return this.#lookAround();
      case "shares":
        this.shares = await api.shares();
        return;
      case "transfers":
        this.transfers = await api.transfers();
        return;
      case "status":
        this.status = await api.status();
    }
  }

  /** Asks who is there and was not asked, and forgets what those offered who are contacts no more. */
  #lookAround(): void {
    for (const peer of this.offered.keys()) {
      if (!this.byPeer.has(peer)) this.#setOffered(peer, null);
    }
    for (const contact of this.contacts) {
      const known = this.offered.get(contact.peer_id);
      if (!contact.online && known?.isFresh && !contact.takes_you_for) {
        this.#setOffered(contact.peer_id, { ...known, isFresh: false });
      } else if (!known?.isFresh || contact.state !== "confirmed" || contact.takes_you_for) {
        void this.look(contact.peer_id);
      }
    }
  }
}

export const live = new Live();
