// Light, dark, or as the system says; kept in this browser.

export type Theme = "system" | "light" | "dark";

const KEY = "kith.theme";

class ThemeChoice {
  choice = $state<Theme>(read());

  set(choice: Theme): void {
    this.choice = choice;
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // A browser that keeps nothing: it holds until the page is gone.
    }
    this.apply();
  }

  apply(): void {
    if (this.choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }
}

function read(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system";
  }
}

export const theme = new ThemeChoice();
