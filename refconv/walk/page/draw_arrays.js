"use strict";
// Input, weight and output as grids of numbers, the array between two stages with them. Of many
// channels, those around the current one are shown; its image and filter alone.

const MOST_CELLS = 420; // of one array on the page at once: more would not answer at once

/** The panels of a structure. An output follows its input, so that a question and its answer meet. */
function panelsOf(separable) {
  return separable
    ? [
        ["x", 0],
        ["y", 0],
        ["y", 1],
        ["weight", 0],
        ["weight", 1],
      ]
    : [
        ["x", 0],
        ["y", 0],
        ["weight", 0],
      ];
}

let shownPanels = { key: "", panels: [] };

function drawArrays(scene) {
  const key = String(scene.separable);
  if (shownPanels.key !== key) {
    const panels = panelsOf(scene.separable).map(
      ([array, stage]) => new Panel(array, stage, scene),
    );
    const hosts = panels.map((panel) => panel.host);
    byId("arrays").replaceChildren(...hosts, byId("sum-panel"));
    byId("arrays").classList.toggle("two", scene.separable);
    shownPanels = { key, panels };
  }
  for (const panel of shownPanels.panels) panel.draw(scene);
  drawBack(scene);
}

class Panel {
  constructor(array, stage, { separable }) {
    Object.assign(this, { array, stage, grids: [] });
    this.name = namesOf(separable, stage)[array];
    this.between = separable && array === "y" && stage === 0;
    this.role = this.between ? "between" : { x: "input", weight: "weight", y: "output" }[array];
    this.host = document.createElement("section");
    this.host.className = `panel ${this.role} stage-${stage + 1}`;
    this.host.dataset.array = this.name;
    this.host.innerHTML = `<h3></h3><p class="shape"></p>
      <div class="chips images" role="group" aria-label="Image of ${this.name}"></div>
      <div class="chips channels" role="group" aria-label="Channel of ${this.name}"></div>
      <div class="planes"></div>`;
    this.planes = this.host.querySelector(".planes");
  }

  draw(scene) {
    const { g } = scene.stages[this.stage];
    const place = scene.places[this.stage];
    const layer = JSON.stringify([scene.layer, scene.separable]);
    if (this.layer !== layer) {
      this.#title(scene, g);
      this.layer = layer;
      this.digits = widest(scene.stages[this.stage].y);
    }
    if (this.array === "x") this.#drawInput(scene, g, place);
    else if (this.array === "weight") this.#drawWeight(scene, g, place);
    else this.#drawOutput(scene, g, place);
  }

  #title(scene, g) {
    const words = this.between
      ? "between the stages"
      : {
          x: "input",
          weight: kindOf(g) === "standard" || !scene.separable ? "weight" : `${kindOf(g)} weight`,
          y: "output",
        }[this.array];
    const shape = {
      x: [g.N, g.C, g.H, g.W],
      weight: [g.F, g.Cg, g.KH, g.KW],
      y: [g.N, g.F, g.OH, g.OW],
    }[this.array];
    const letters = {
      x: "N, C, H, W",
      weight: "F, C/G, KH, KW",
      y: this.between ? "N, C, OH, OW" : "N, F, OH, OW",
    }[this.array];
    this.host.querySelector("h3").innerHTML = `${capital(words)} <code>${this.name}</code>`;
    this.host.querySelector(".shape").textContent = `(${letters}) = (${shape.join(", ")})`;
  }

  /** As many grids as there are planes to show. */
  #resize(planes) {
    while (this.grids.length < planes) {
      const host = document.createElement("div");
      this.planes.append(host);
      this.grids.push(new Grid(host));
    }
    this.grids.forEach((grid, number) => {
      grid.host.hidden = number >= planes;
    });
  }

  /** The channels to show, of planes of so many cells. */
  #shown(channels, channel, cells) {
    return part(channel, channels, Math.max(1, Math.floor(MOST_CELLS / cells)));
  }

  #images(scene, g, place) {
    const host = this.host.querySelector(".images");
    host.hidden = g.N === 1;
    const using = partsThatUse(this.#answers(scene), g.N);
    chips(
      host,
      `${this.layer}${place.n}/${using}`,
      range(g.N).map((n) => ({
        text: `image ${n}`,
        label: using[n] && `image ${n}, ${USES}`,
        on: n === place.n,
        lit: using[n],
        pick: () => pin({ stage: this.stage, done: openedAt(g, { ...place, n }) }),
      })),
    );
  }

  /** The outputs of this panel that answer the question, or null. */
  #answers({ lit }) {
    return this.array === "y" ? (lit?.[this.stage] ?? null) : null;
  }

  /** Of these, those of the image at hand. */
  #answersOfImage(scene) {
    const { n } = scene.places[this.stage];
    const { N } = scene.stages[this.stage].g;
    const all = this.#answers(scene);
    return all && all.subarray((n * all.length) / N, ((n + 1) * all.length) / N);
  }

  #channels(scene, letter, all, current, perGroup, group, shown, pick) {
    const using = partsThatUse(this.#answersOfImage(scene), all);
    const key = `${this.layer}${[current, group]}/${using}`;
    chips(
      this.host.querySelector(".channels"),
      key,
      range(all).map((channel) => ({
        text: `${letter}${channel}`,
        label:
          `${this.name}: channel ${channel}, group ${Math.floor(channel / perGroup)}` +
          `${using[channel] ? `, ${USES}` : ""}`,
        on: channel === current,
        lit: using[channel],
        dim: Math.floor(channel / perGroup) !== group,
        pick: () => pick(channel),
      })),
    );
    this.host.querySelector(".channels").hidden = shown.length === all;
  }

  #drawInput(scene, g, place) {
    const { stage, name } = this;
    const { x } = scene.stages[stage];
    const [HP, WP] = [g.pt + g.H + g.pb, g.pl + g.W + g.pr];
    const shown = this.#shown(g.C, place.c, HP * WP);
    this.#images(scene, g, place);
    this.#channels(scene, "c", g.C, place.c, g.Cg, place.group, shown, (c) => {
      const group = Math.floor(c / g.Cg);
      const f = group === place.group ? place.f : group * g.Fg;
      pin({ stage, done: doneAt(g, { ...place, f }, { ...place, cg: c % g.Cg }) });
    });
    const cell = (channel, r, col) => {
      const [h, w] = [r - g.pt, col - g.pl];
      return h < 0 || h >= g.H || w < 0 || w >= g.W
        ? null
        : ((place.n * g.C + channel) * g.H + h) * g.W + w;
    };
    this.#resize(shown.length);
    shown.forEach((c, number) => {
      const grid = this.grids[number];
      grid.on.pick = (r, col) => {
        const index = cell(c, r, col);
        if (index !== null) change({ asked: { stage, array: "x", index } });
      };
      grid.show(`${this.layer}${[place.n, c]}`, () => ({
        label: `input ${name}, image ${place.n}, channel ${c}, padding cells around it`,
        caption: `${name}[${place.n}, c=${c}]`,
        rows: range(HP, -g.pt),
        columns: range(WP, -g.pl),
        cells: range(HP).map((r) =>
          range(WP).map((col) => {
            const index = cell(c, r, col);
            return index === null
              ? { text: 0, label: "0, padding" }
              : { text: x[index], data: index };
          }),
        ),
      }));
      const isRead = Math.floor(c / g.Cg) === place.group;
      const [top, left] = [place.oh * g.sh, place.ow * g.sw];
      grid.host.classList.toggle("unused", !isRead);
      grid.paint((r, col) => {
        const [kh, kw] = [(r - top) / g.dh, (col - left) / g.dw];
        const inWindow =
          isRead &&
          Number.isInteger(kh) &&
          Number.isInteger(kw) &&
          kh >= 0 &&
          kh < g.KH &&
          kw >= 0 &&
          kw < g.KW;
        const index = cell(c, r, col);
        return classes(
          index === null && "pad",
          inWindow && "window",
          inWindow &&
            place === scene.seen &&
            c === place.c &&
            kh === place.kh &&
            kw === place.kw &&
            "now",
          index !== null && isAsked(scene, stage, "x", index) && "asked",
        );
      });
    });
  }

  #drawWeight(scene, g, place) {
    const { stage, name } = this;
    const { weight } = scene.stages[stage];
    const ask = (index) => change({ asked: { stage, array: "weight", index } });
    this.host.querySelector(".images").hidden = true;
    this.host.querySelector(".channels").hidden = true;
    const paint = (indexOf) => (r, col) => {
      const index = indexOf(r, col);
      const [f, tap] = [Math.floor(index / g.K), index % g.K];
      const now =
        place === scene.seen &&
        f === place.f &&
        tap === (place.cg * g.KH + place.kh) * g.KW + place.kw;
      return classes(
        f === place.f && "window",
        now && "now",
        isAsked(scene, stage, "weight", index) && "asked",
      );
    };
    if (g.KH * g.KW === 1) {
      // a matrix: a row for each output channel
      this.#resize(1);
      this.grids[0].on.pick = (f, cg) => ask(f * g.K + cg);
      this.grids[0].show(`matrix${this.layer}`, () => ({
        label: `${name}: a row for each output channel, a column for each input channel of its group`,
        caption: `${name}[f, cg]`,
        rows: range(g.F).map((f) => `f${f}`),
        columns: range(g.Cg).map((cg) => `cg${cg}`),
        cells: range(g.F).map((f) =>
          range(g.Cg).map((cg) => ({
            text: weight[f * g.K + cg],
            data: f * g.K + cg,
          })),
        ),
      }));
      this.grids[0].paint(paint((f, cg) => f * g.K + cg));
      return;
    }
    this.#resize(g.Cg);
    range(g.Cg).forEach((cg) => {
      const grid = this.grids[cg];
      const indexOf = (kh, kw) => ((place.f * g.Cg + cg) * g.KH + kh) * g.KW + kw;
      grid.on.pick = (kh, kw) => ask(indexOf(kh, kw));
      grid.show(`${this.layer}${[place.f, cg]}`, () => ({
        label: `${name}, output channel ${place.f}, input channel ${cg} of its group`,
        caption: `f=${place.f}, cg=${cg} (c=${place.group * g.Cg + cg})`,
        rows: range(g.KH),
        columns: range(g.KW),
        cells: range(g.KH).map((kh) =>
          range(g.KW).map((kw) => ({
            text: weight[indexOf(kh, kw)],
            data: indexOf(kh, kw),
          })),
        ),
      }));
      grid.paint(paint(indexOf));
    });
  }

  #drawOutput(scene, g, place) {
    const { stage, name } = this;
    const { y } = scene.stages[stage];
    const shown = this.#shown(g.F, place.f, g.OH * g.OW);
    this.#images(scene, g, place);
    this.#channels(scene, this.between ? "c" : "f", g.F, place.f, g.Fg, place.group, shown, (f) =>
      pin({ stage, done: openedAt(g, { ...place, f }) }),
    );
    this.#resize(shown.length);
    const complete =
      stage < scene.now.stage
        ? Infinity
        : stage > scene.now.stage
          ? 0
          : Math.floor(scene.now.done / g.K);
    const hiding = scene.predicting
      ? [scene.now.stage, outputIndex(g, scene.now), scene.revealed.has("y")]
      : "";
    shown.forEach((f, number) => {
      const grid = this.grids[number];
      const indexOf = (oh, ow) => ((place.n * g.F + f) * g.OH + oh) * g.OW + ow;
      const cellAt = (oh, ow) => ({ stage, done: doneAt(g, { n: place.n, f, oh, ow }) });
      grid.on.pick = (oh, ow) =>
        pin({ stage, done: openedAt(g, { n: place.n, f, oh, ow }) }, {
          asked: this.between ? { stage: 1, array: "x", index: indexOf(oh, ow) } : null,
        });
      grid.on.look = (oh, ow) => change({ preview: cellAt(oh, ow) });
      grid.on.leave = () => state.preview && change({ preview: null });
      grid.show(`${this.layer}${[place.n, f]}/${hiding}`, () => ({
        label: `output ${name}, image ${place.n}, channel ${f}`,
        caption: `${name}[${place.n}, ${this.between ? "c" : "f"}=${f}]`,
        rows: range(g.OH),
        columns: range(g.OW),
        cells: range(g.OH).map((oh) =>
          range(g.OW).map((ow) => {
            const index = indexOf(oh, ow);
            return { text: isHidden(scene, stage, index) ? HIDDEN : y[index], data: index };
          }),
        ),
        digits: this.digits,
      }));
      const isRead = this.between && scene.seen.stage === 1;
      grid.host.classList.toggle("unused", Math.floor(f / g.Fg) !== place.group && !isRead);
      grid.paint((oh, ow) => {
        const index = indexOf(oh, ow);
        const here = oh === place.oh && ow === place.ow;
        const current = place === scene.seen || isRead; // of two stages, or read by the second
        return classes(
          current && here && f === place.f && "now",
          here && isRead && "window",
          index >= complete && "later",
          scene.lit?.[stage]?.[index] && "lit",
          this.between && isAsked(scene, 1, "x", index) && "asked",
        );
      });
    });
  }
}

const outputIndex = (g, { n, f, oh, ow }) => ((n * g.F + f) * g.OH + oh) * g.OW + ow;

function isAsked({ asked }, stage, array, index) {
  return asked !== null && asked.stage === stage && asked.array === array && asked.index === index;
}

function forget() {
  if (state.asked) change({ asked: null });
}

/** The answer to the question backwards, in words. */
function drawBack({ asked, lit, stages, separable }) {
  byId("stepper").classList.toggle("asking", asked !== null);
  byId("forget").hidden = asked === null;
  if (asked === null) {
    byId("back").textContent = "";
    return;
  }
  const { g } = stages[asked.stage];
  const shape = asked.array === "x" ? [g.N, g.C, g.H, g.W] : [g.F, g.Cg, g.KH, g.KW];
  const indices = [];
  shape.reduceRight((rest, size) => {
    indices.unshift(rest % size);
    return Math.floor(rest / size);
  }, asked.index);
  const answers = stages.map(
    (_, stage) =>
      lit[stage] &&
      `${figure(sum([...lit[stage]]))} of ${figure(lit[stage].length)} outputs of ${namesOf(separable, stage).y}`,
  );
  byId("back").innerHTML =
    `<b>${namesOf(separable, asked.stage)[asked.array]}[${indices.join(", ")}]</b> is used by ` +
    `<b>${answers.filter(Boolean).join(", and through them by ")}</b>.`;
}
