// How fast content may move, as the node tells it, for whoever shows or changes some of it. Made while a component is.

import * as api from "../api/client";
import { t } from "../text/strings";
import { live } from "./live.svelte";
import { attempt } from "./toasts.svelte";

export class LimitsReading {
  told = $state.raw<api.Limits | null>(null);
  /** Why they could not be read the last time, in words. */
  wrong = $state<string | null>(null);

  constructor() {
    // And again when they were changed elsewhere, or the daemon is back.
    $effect(() => {
      void live.settingsChanges;
      void this.read();
    });
  }

  async read(): Promise<void> {
    try {
      this.told = await api.limits();
      this.wrong = null;
    } catch (error) {
      this.wrong = api.adviceOf(error);
    }
  }

  /** Changes some, and says so. Whether it was done. */
  change(to: api.LimitsChange): Promise<boolean> {
    return attempt(async () => {
      this.told = await api.changeLimits(to);
      this.wrong = null;
    }, t.settings.saved);
  }
}
