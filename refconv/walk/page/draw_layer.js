"use strict";
// The controls of the layer: its structure and its options. What is impossible is greyed out, and
// says why when it is pointed at, focused or clicked.

const CONTROLS = [
  ["Images N; channels: input C, output F", ["N", "C", "F"]],
  ["Input: height H, width W", ["H", "W"]],
  ["Kernel: height KH, width KW", ["KH", "KW"]],
  ["Padding: top, bottom, left, right", ["pt", "pb", "pl", "pr"]],
  ["Stride: down sh, across sw", ["sh", "sw"]],
  ["Dilation: down dh, across dw", ["dh", "dw"]],
];

/** The layer with one option changed; where the groups asked for do not divide it, with fewer. */
function changed(layer, name, value) {
  const next = { ...layer, [name]: value };
  if (name !== "G") next.G = Math.max(...groupsOf(next).filter((G) => G <= state.wantedG));
  return next;
}

function whyNot(layer, name, value) {
  const most = LESSON.limits[name];
  if (most && value > most) return `this page shows ${name} up to ${most}`;
  if (value < (name.startsWith("p") ? 0 : 1)) return `${name} is at least ${value + 1}`;
  return impossible(changed(layer, name, value), LESSON.limits);
}

function say(text) {
  byId("why").textContent = text;
}

function setOption(name, value) {
  const why = whyNot(state.layer, name, value);
  if (why) {
    say(`${name} = ${value}: ${why}.`);
    return;
  }
  const before = state.layer;
  relayer({ layer: changed(before, name, value), wantedG: name === "G" ? value : state.wantedG });
  const { G, C, F } = state.layer;
  say(
    G < state.wantedG
      ? `G is ${G} now: ${state.wantedG} groups do not divide ${C} input and ${F} output channels.`
      : "",
  );
}

function buildSteppers() {
  for (const [title, names] of CONTROLS) {
    const set = document.createElement("fieldset");
    set.className = "options";
    set.innerHTML =
      `<legend>${title}</legend>` +
      names
        .map(
          (name) => `
      <div class="stepper-of" role="group" aria-label="${name}">
        <span class="letter">${name}</span>
        <button type="button" data-name="${name}" data-by="-1" aria-label="${name} less">−</button>
        <output data-value="${name}"></output>
        <button type="button" data-name="${name}" data-by="1" aria-label="${name} more">+</button>
      </div>`,
        )
        .join("");
    byId("steppers").append(set);
  }
  const steppers = byId("steppers");
  const target = ({ dataset: { name, by } }) => [name, state.layer[name] + Number(by)];
  steppers.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) setOption(...target(button));
  });
  for (const happens of ["focusin", "pointerover"]) {
    steppers.addEventListener(happens, (event) => {
      const button = event.target.closest("button[aria-disabled=true]");
      if (button) say(`${target(button).join(" = ")}: ${whyNot(state.layer, ...target(button))}.`);
    });
  }
}

function buildStructure() {
  byId("groups").addEventListener("input", (event) => {
    setOption("G", groupsOf(state.layer)[Number(event.target.value)]);
  });
  for (const radio of document.getElementsByName("stages")) {
    radio.addEventListener("change", () => relayer({ separable: radio.value === "two" }));
  }
  byId("opening").addEventListener("click", () => {
    relayer({ layer: LESSON.layer, wantedG: LESSON.layer.G, separable: false });
    say("");
  });
}

/** A convolution's options in a line, for the sheet of paper that has no controls. */
function written(g) {
  return (
    `<b>${descriptorOf(g)}</b>: ${g.C} to ${g.F} channels, G ${g.G}, kernel ${g.KH}×${g.KW}, ` +
    `stride ${g.sh} ${g.sw}, dilation ${g.dh} ${g.dw}, ` +
    `pads: top ${g.pt}, bottom ${g.pb}, left ${g.pl}, right ${g.pr}`
  );
}

function drawLayer({ layer, separable, stages }) {
  const g = stages[0].g;
  for (const output of document.querySelectorAll("[data-value]")) {
    output.textContent = layer[output.dataset.value];
  }
  for (const button of byId("steppers").querySelectorAll("button")) {
    const { name, by } = button.dataset;
    const why = whyNot(layer, name, layer[name] + Number(by));
    button.setAttribute("aria-disabled", String(why !== null));
    button.title = why ?? "";
  }
  const possible = groupsOf(layer);
  const slider = byId("groups");
  slider.max = possible.length - 1;
  slider.value = possible.indexOf(layer.G);
  slider.disabled = separable || possible.length === 1;
  slider.setAttribute("aria-valuetext", `${g.G} ${g.G === 1 ? "group" : "groups"}`);
  byId("groups-value").textContent = g.G;
  const dividing = divisors(layer.C);
  chips(
    byId("divisors"),
    JSON.stringify([layer.C, layer.F, layer.G, separable]),
    dividing.map((G) => {
      const why = separable
        ? "the depthwise stage has C groups"
        : impossible({ ...layer, G }, LESSON.limits);
      const names = { 1: "standard", [layer.C]: layer.C > 1 ? "depthwise" : "standard" };
      return {
        text: names[G] ? `${G} ${names[G]}` : String(G),
        on: !separable && G === layer.G,
        why,
        pick: () => (why ? say(`G = ${G}: ${why}.`) : setOption("G", G)),
      };
    }),
  );
  byId("structure-name").textContent = separable
    ? "Depthwise separable"
    : capital(kindOf(g)) + (g.G > 1 ? `, ${g.G} groups` : "");
  for (const radio of document.getElementsByName("stages")) {
    radio.checked = (radio.value === "two") === separable;
  }
  byId("written").innerHTML = stages.map((stage) => `<p>${written(stage.g)}</p>`).join("");
  const last = stages.at(-1).g;
  byId("sizes").innerHTML =
    `<b class="input">x</b> (${g.N}, ${g.C}, ${g.H}, ${g.W}) → ` +
    `<b class="output">y</b> (${last.N}, ${last.F}, ${last.OH}, ${last.OW})`;
}
