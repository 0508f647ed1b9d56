"use strict";
// Which input channel reaches which output channel: an F x C grid for each stage.

let wirings = { key: "", grids: [] };

function drawWiring(scene) {
  const { stages, separable, places, seen } = scene;
  if (wirings.key !== String(separable)) {
    const hosts = stages.map(() => document.createElement("div"));
    byId("wiring").replaceChildren(...hosts);
    wirings = { key: String(separable), grids: hosts.map((host) => new Grid(host)) };
  }
  stages.forEach(({ g }, stage) => {
    const place = places[stage];
    const grid = wirings.grids[stage];
    const wired = (f, c) => Math.floor(f / g.Fg) === Math.floor(c / g.Cg);
    grid.on.pick = (f, c) =>
      wired(f, c) && pin({ stage, done: doneAt(g, { ...place, f }, { ...place, cg: c % g.Cg }) });
    const names = namesOf(separable, stage);
    grid.show(JSON.stringify([g.F, g.C, g.G]), () => ({
      label: `${names.y} by ${names.x}: which input channel reaches which output channel`,
      caption: `${separable ? `Stage ${stage + 1}, ${kindOf(g)}: ` : ""}${names.y} channels down, ${names.x} channels across`,
      rows: range(g.F).map((f) => `f${f}`),
      columns: range(g.C).map((c) => `c${c}`),
      cells: range(g.F).map((f) =>
        range(g.C).map((c) => ({
          text: wired(f, c) ? Math.floor(f / g.Fg) : "",
          data: wired(f, c) ? f * g.C + c : undefined,
        })),
      ),
    }));
    grid.paint((f, c) =>
      classes(
        wired(f, c) ? "wired" : "empty",
        wired(f, c) && f === place.f && "window",
        stage === seen.stage && f === place.f && c === place.c && "now",
      ),
    );
  });
  const [{ g }] = stages;
  byId("wiring-words").textContent = separable
    ? `Depthwise is a diagonal: no channel hears another. Pointwise is full: ${g.C === 1 ? "it reads the one channel" : `it mixes all ${g.C} channels`}.`
    : g.G === 1
      ? `Standard is full: each of ${g.F} output channels reads ${g.C === 1 ? "the one input channel" : `all ${g.C} input channels`}.`
      : kindOf(g) === "depthwise"
        ? `Depthwise is a diagonal: each output channel reads one input channel.`
        : `${g.G} groups are ${g.G} blocks: each output channel reads the ${g.Cg} of ${g.C} input channels in its group. The number in a block is its group.`;
}
