// Whether this is somebody's first time here. "Skip" is kept in this browser.

import type { Contact, Share } from "../api/client";

const KEY = "kith.welcomed";

export function isFirstRun(contacts: Contact[], shares: Share[]): boolean {
  return contacts.length === 0 && shares.length === 0 && kept() === null;
}

export function endFirstRun(): void {
  try {
    localStorage.setItem(KEY, "1");
  } catch {
    // Then the welcome shows again, until there is a contact or a share.
    welcomed = "1";
  }
}

let welcomed: string | null = null;

function kept(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return welcomed;
  }
}
