// What somebody pastes, drops, types or scans, wherever the app takes it: an invite or a link to something shared. What it is shows at once; the daemon then
// says more of it: whose it is, and whether it is still good.

import * as api from "../api/client";
import { classify } from "../text/handed";
import { safeName } from "../text/safe";
import { t } from "../text/strings";
import { NoPicture, scanFile } from "./scan";

/** More than any text form is long, whatever stands around it. */
const TEXT_BYTES_MAX = 16 * 1024;

/** What can be done with a text: becoming the contact of an invite's maker, or opening what a link leads to. */
export interface Usable {
  kind: "invite" | "link";
  text: string;
}

export class Handing {
  text = $state("");
  /** Why what was tried last did not work. */
  wrong = $state<string | null>(null);
  /** What the daemon says of the text; nothing before it has. */
  #known = $state.raw<api.Recognised | null>(null);
  #damage = $state<string | null>(null);

  readonly #handed = $derived(classify(this.text));
  /** What is said where nothing can be done with it. */
  readonly #advice = $derived(
    {
      invite: null,
      link: null,
      nothing: null,
      unknown: t.handed.unknown,
      introducer: t.handed.isIntroducer,
      peer: t.handed.isPeer,
    }[this.#handed.kind],
  );
  /** Why nobody can be added by it. */
  readonly #refusal = $derived.by(() => {
    if (this.#known?.kind !== "invite") return null;
    if (this.#known.own) return t.handed.isOwn;
    if (this.#known.expired) return t.handed.isOver;
    return null;
  });

  readonly complaint = $derived(this.wrong ?? this.#advice ?? this.#damage ?? this.#refusal);
  readonly usable = $derived.by((): Usable | null => {
    const { kind } = this.#handed;
    if ((kind !== "invite" && kind !== "link") || this.#damage !== null || this.#refusal !== null)
      return null;
    return { kind, text: this.#handed.text };
  });
  /** What was found, in words. */
  readonly told = $derived.by(() => {
    const known = this.#known;
    if (this.usable?.kind === "invite") {
      if (known?.kind === "invite" && known.contact) return t.handed.isKnown(safeName(known.contact));
      const name = known?.kind === "invite" ? known.suggested_name : "";
      return name === "" ? t.handed.invite : t.handed.inviteFrom(safeName(name));
    }
    if (this.usable?.kind !== "link") return undefined;
    if (known?.kind !== "link") return t.handed.link;
    return t.handed.linkTo(safeName(known.name), known.own ? t.handed.yours : safeName(known.contact ?? ""));
  });

  constructor(text = "") {
    this.text = text;
  }

  /** Has the daemon read the text; to be called in an effect. */
  look(): void {
    [this.#known, this.#damage] = [null, null];
    const handed = this.#handed;
    if (handed.kind === "invite" || handed.kind === "link") void this.#ask(handed.text);
  }

  async #ask(text: string): Promise<void> {
    const isWanted = () => "text" in this.#handed && this.#handed.text === text;
    try {
      const known = await api.recognise(text);
      if (isWanted()) this.#known = known;
    } catch (error) {
      // One that is away says nothing of the text.
      const isAway = error instanceof api.ApiError && error.kind === "away";
      if (isWanted() && !isAway) this.#damage = api.adviceOf(error);
    }
  }

  take(text: string): void {
    this.wrong = null;
    this.text = text;
  }

  /** The code in a picture. */
  async takePicture(file: Blob): Promise<void> {
    this.wrong = null;
    try {
      const found = await scanFile(file);
      if (found === null) this.wrong = t.handed.noCode;
      else this.take(found);
    } catch (error) {
      this.wrong = error instanceof NoPicture ? t.handed.noPicture : api.adviceOf(error);
    }
  }

  /** Something that was dropped or pasted. Whether there was anything in it. */
  takeAll(data: DataTransfer | null): boolean {
    const [file] = data?.files ?? [];
    const text = data?.getData("text/plain") ?? "";
    if (file?.type.startsWith("text/")) {
      void file
        .slice(0, TEXT_BYTES_MAX)
        .text()
        .then((text) => this.take(text));
    } else if (file) void this.takePicture(file);
    else if (text !== "") this.take(text);
    else return false;
    return true;
  }
}
