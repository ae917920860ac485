// A <dialog> in front of all else, for as long as it is in the page.

import { tick } from "svelte";

/** Shows it. When it is taken out of the page, what had the focus before gets it back: by hand, since the browser then gives it to nobody. */
export function modal(dialog: HTMLDialogElement): () => void {
  const before = document.activeElement;
  dialog.showModal();
  return () => {
    dialog.close();
    if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    // It may be gone with what was done in the dialog: then the page's title has it.
    void tick().then(() => {
      if (document.activeElement !== document.body) return;
      document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
    });
  };
}
