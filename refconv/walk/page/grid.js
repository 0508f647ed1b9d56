"use strict";
// A grid of numbers that a pointer and a keyboard can walk: one table, one stop of the tab key,
// arrows inside. It is written anew only when its key changes; else its cells change class.

class Grid {
  /** `on` may hold `pick(row, column)`, by click and Enter, `look(row, column)` and `leave()`. */
  constructor(host) {
    this.host = host;
    this.key = null;
    this.on = {};
    host.classList.add("grid");
    host.addEventListener("click", (event) => this.#at(event, this.on.pick));
    host.addEventListener("keydown", (event) => this.#keyed(event));
    host.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse") this.#at(event, this.on.look);
    });
    host.addEventListener("pointerleave", () => this.on.leave?.());
    host.addEventListener("focusout", () => this.on.leave?.());
  }

  /**
   * `make()` gives {label, caption, rows, columns, cells: [[{text, data, label}]]}, and may give a
   * foot {label, over, texts}, its label over so many columns, and the digits that every cell shall
   * have room for.
   */
  show(key, make) {
    if (key === this.key) return;
    const focused = this.#whereFocused();
    this.key = key;
    const { label, caption, rows, columns, cells, foot, digits = 0 } = make();
    // Widths are told, in characters, so that the browser need not measure every cell.
    const side = 1 + 0.8 * widest(rows);
    const texts = Math.max(digits, widest(cells.flat().map(({ text }) => text)));
    const small = Math.max(widest(columns), widest(foot?.texts ?? []));
    const cell = Math.max(2.6, 0.8 + texts, 0.5 + 0.9 * small);
    const head =
      `<thead><tr><td style="width: ${side}ch"></td>` +
      `${columns.map((c) => `<th scope="col">${c}</th>`).join("")}</tr></thead>`;
    const body = cells.map((row, r) => {
      return `<tr><th scope="row">${rows[r]}</th>${row
        .map(
          ({ text, data, label: words }) =>
            `<td${data === undefined ? "" : ` data-i="${data}"`}` +
            `${words ? ` aria-label="${words}"` : ""}>${text}</td>`,
        )
        .join("")}</tr>`;
    });
    const below = foot
      ? `<tfoot><tr><th scope="row" colspan="${foot.over}">${foot.label}</th>` +
        `${foot.texts.map((text) => `<td>${text}</td>`).join("")}</tr></tfoot>`
      : "";
    this.host.innerHTML =
      `<p class="caption">${caption}</p><div class="scroll"><table role="grid" aria-label="${label}"` +
      ` style="width: ${side + cell * columns.length}ch">${head}<tbody>${body.join("")}</tbody>${below}</table></div>`;
    this.cells = [...this.host.querySelectorAll("tbody tr")].map((row) => [
      ...row.querySelectorAll("td"),
    ]);
    this.cells[0][0].tabIndex = 0;
    this.stop = this.cells[0][0];
    if (focused) {
      const [r, c] = focused;
      const row = this.cells[Math.min(r, this.cells.length - 1)];
      this.#focus(row[Math.min(c, row.length - 1)]);
    }
  }

  /** Give every cell its classes: `classOf(row, column)` is a string. What matters is said too. */
  paint(classOf) {
    this.cells.forEach((row, r) =>
      row.forEach((cell, c) => {
        const name = classOf(r, c);
        if (cell.className === name) return;
        const [before, after] = [spokenOf(cell.className), spokenOf(name)];
        cell.className = name;
        if (name.includes("now")) cell.setAttribute("aria-current", "true");
        else cell.removeAttribute("aria-current");
        if (after) cell.setAttribute("aria-label", `${cell.textContent}, ${after}`);
        else if (before) cell.removeAttribute("aria-label");
      }),
    );
  }

  #whereFocused() {
    return this.host.contains(document.activeElement)
      ? this.#whereIs(document.activeElement)
      : null;
  }

  #whereIs(cell) {
    for (let r = 0; r < this.cells.length; r++) {
      const c = this.cells[r].indexOf(cell);
      if (c >= 0) return [r, c];
    }
    return null;
  }

  #at(event, act) {
    const place = act && this.#whereIs(event.target.closest("td"));
    if (!place) return;
    if (event.type === "click") this.#focus(this.cells[place[0]][place[1]]);
    act(...place);
  }

  #keyed(event) {
    const place = this.#whereIs(event.target);
    if (!place) return;
    const [r, c] = place;
    const to = {
      ArrowLeft: [r, c - 1],
      ArrowRight: [r, c + 1],
      ArrowUp: [r - 1, c],
      ArrowDown: [r + 1, c],
      Home: [r, 0],
      End: [r, this.cells[r].length - 1],
    }[event.key];
    if (to) {
      const cell = this.cells[to[0]]?.[to[1]];
      if (cell) {
        this.#focus(cell);
        this.on.look?.(...to);
      }
    } else if (event.key === "Enter" || event.key === " ") {
      this.on.pick?.(r, c);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #focus(cell) {
    this.stop.removeAttribute("tabindex");
    this.stop = cell;
    cell.tabIndex = 0;
    cell.focus();
  }
}

/** What a cell's classes mean to who does not see its colour; empty where they mean nothing. */
function spokenOf(name) {
  if (name.includes("asked")) return "asked about";
  return name.includes("lit") ? "uses it" : "";
}

/** The most characters that any of these texts or numbers has. */
function widest(texts) {
  return texts.reduce((most, text) => Math.max(most, String(text).length), 0);
}

/** Buttons for one of many: `items` are {text, label, on, dim, lit, why, pick}. */
function chips(host, key, items) {
  if (host.dataset.key === key) return;
  host.dataset.key = key;
  const focused = host.contains(document.activeElement)
    ? [...host.children].indexOf(document.activeElement)
    : -1;
  host.replaceChildren(
    ...items.map(({ text, label, on, dim, lit, why, pick }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.className = classes("chip", dim && "dim", lit && "lit");
      button.setAttribute("aria-pressed", String(Boolean(on)));
      if (label) button.setAttribute("aria-label", label);
      if (why) {
        button.setAttribute("aria-disabled", "true");
        button.title = why;
      }
      button.addEventListener("click", () => pick());
      return button;
    }),
  );
  host.children[focused]?.focus();
}

const classes = (...names) => names.filter(Boolean).join(" ");
