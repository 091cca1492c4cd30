// Completions below the question box: a combobox with a list, as the ARIA practices describe it. What is typed stays
// what it is until a completion is taken.

import { suggest } from "./api";
import { el } from "./dom";

/** Typing that goes on is not asked about. */
const PAUSE_MS = 120;

/** Makes an input with a list below it complete what is typed; `take` gets what was chosen. */
export class Combobox {
  private options: string[] = [];
  private active = -1;
  private timer = 0;
  private asking = new AbortController();
  private composing = false;

  constructor(
    private readonly input: HTMLInputElement,
    private readonly list: HTMLElement,
    private readonly take: (text: string) => void,
  ) {
    input.addEventListener("input", () => this.changed());
    input.addEventListener("compositionstart", () => (this.composing = true));
    input.addEventListener("compositionend", () => {
      this.composing = false;
      this.changed();
    });
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => this.close());
    // Before the input loses focus, which would close the list under the pointer.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = (event.target as Element).closest<HTMLElement>("[role=option]");
      const text = option && this.options[Number(option.dataset["at"])];
      if (text) this.choose(text);
    });
  }

  /** Closes the list and forgets what was asked. */
  close(): void {
    clearTimeout(this.timer);
    this.asking.abort();
    this.show([]);
  }

  private changed(): void {
    if (this.composing) return;
    clearTimeout(this.timer);
    this.asking.abort();
    const typed = this.input.value.trim();
    if (!typed || Array.from(typed).length > 50) return this.show([]);
    this.timer = window.setTimeout(() => void this.ask(typed), PAUSE_MS);
  }

  private async ask(typed: string): Promise<void> {
    this.asking = new AbortController();
    const { signal } = this.asking;
    try {
      const found = await suggest(typed, signal);
      if (signal.aborted || document.activeElement !== this.input) return;
      this.show([...new Set(found.map((one) => one.text))].filter((text) => text !== typed));
    } catch {
      // Completions are a help; a question can be asked without them.
      this.show([]);
    }
  }

  private show(options: string[]): void {
    this.options = options;
    this.list.replaceChildren(
      ...options.map((text, at) => el("li", { role: "option", id: `completion-${at}`, "data-at": at, "aria-selected": "false" }, text)),
    );
    this.list.hidden = options.length === 0;
    this.input.setAttribute("aria-expanded", String(options.length > 0));
    this.move(-1);
  }

  private move(to: number): void {
    this.list.children[this.active]?.setAttribute("aria-selected", "false");
    this.active = to;
    const option = this.list.children[to];
    if (option) {
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", option.id);
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  private choose(text: string): void {
    this.input.value = text;
    this.close();
    this.take(text);
  }

  private key(event: KeyboardEvent): void {
    // Keys of an input method are its own.
    if (event.isComposing || this.options.length === 0) return;
    const count = this.options.length;
    switch (event.key) {
      case "ArrowDown":
        this.move(this.active + 1 >= count ? -1 : this.active + 1);
        break;
      case "ArrowUp":
        this.move(this.active < 0 ? count - 1 : this.active - 1);
        break;
      case "Escape":
        this.close();
        break;
      case "Enter": {
        const text = this.options[this.active];
        if (text === undefined) return this.close();
        this.choose(text);
        break;
      }
      default:
        return;
    }
    event.preventDefault();
  }
}
