// Short words about what has just happened. A failure stays until it is dismissed.

import { untrack } from "svelte";
import { adviceOf, ApiError, wordsOf } from "../api/client";

export interface Toast {
  id: number;
  tone: "plain" | "bad";
  text: string;
  /** It says that the node on this computer did not answer. */
  isAway?: boolean;
  /** Where one goes on from it. */
  link?: ToastLink;
}

export interface ToastLink {
  href: string;
  label: string;
}

/** Long enough to read two lines. */
const SHOWN_MS = 5000;
/** And to go where they lead. */
const SHOWN_WITH_LINK_MS = 10_000;
/** More would cover the page; the oldest goes. */
const TOASTS_MAX = 4;

class Toasts {
  all = $state.raw<Toast[]>([]);
  #places = $state.raw<symbol[]>([]);
  #next = 1;

  /** A place where they can be shown is there; it is in front of those that were there before, until it is left. */
  enter(place: symbol): () => void {
    untrack(() => (this.#places = [...this.#places, place]));
    return () => (this.#places = this.#places.filter((it) => it !== place));
  }

  /** What is shown at a place: all, at the one in front. */
  in(place: symbol): Toast[] {
    return this.#places.at(-1) === place ? this.all : [];
  }

  say(text: string, link?: ToastLink): void {
    const id = this.#add("plain", text, link);
    setTimeout(() => this.dismiss(id), link ? SHOWN_WITH_LINK_MS : SHOWN_MS);
  }

  fail(error: unknown): void {
    // What is no error is words already, and whole.
    const id = this.#add("bad", error instanceof Error ? adviceOf(error) : wordsOf(error));
    if (error instanceof ApiError && error.kind === "away")
      this.all = this.all.map((toast) => (toast.id === id ? { ...toast, isAway: true } : toast));
  }

  /** The node answers: that it did not is over. */
  heal(): void {
    this.all = this.all.filter((toast) => !toast.isAway);
  }

  dismiss(id: number): void {
    this.all = this.all.filter((toast) => toast.id !== id);
  }

  #add(tone: Toast["tone"], text: string, link?: ToastLink): number {
    const toast: Toast = { id: this.#next++, tone, text, ...(link && { link }) };
    this.all = [...this.all.filter((other) => other.text !== text), toast].slice(-TOASTS_MAX);
    return toast.id;
  }
}

export const toasts = new Toasts();

/** Does something and says so if it fails. Whether it was done. */
export async function attempt(work: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await work();
    if (done !== undefined) toasts.say(done);
    return true;
  } catch (error) {
    toasts.fail(error);
    return false;
  }
}
