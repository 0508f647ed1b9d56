"use strict";
// The bar that steps: back and on by a unit, play, the counter that runs, one sentence that says
// what happens.

const PLAY_EVERY = 700; // milliseconds

let timer = null;

function go(where) {
  const scene = sceneOf();
  const { stages, unit } = scene;
  const last = stages.length - 1;
  const to = {
    first: () => ({ stage: 0, done: 1 }),
    back: () => stepped(stages, state, unit, -1),
    on: () => stepped(stages, state, unit, 1),
    last: () => ({ stage: last, done: totalOf(stages[last].g) }),
  }[where]();
  pin(to);
}

function play(playing) {
  clearInterval(timer);
  if (playing) {
    timer = setInterval(() => {
      const { stage, done } = state;
      go("on");
      if (state.stage === stage && state.done === done) play(false);
    }, PLAY_EVERY);
  }
  change({ playing });
}

function buildSteps() {
  byId("stepper").addEventListener("click", (event) => {
    const button = event.target.closest("[data-go]");
    if (!button) return;
    if (button.dataset.go === "play") play(!state.playing);
    else {
      play(false);
      go(button.dataset.go);
    }
  });
  byId("unit").addEventListener("change", (event) => {
    change({ unit: event.target.value });
    if (state.unit === "mac") toFirstProduct();
  });
  document.addEventListener("keydown", (event) => {
    const keys = { ArrowRight: "on", ArrowLeft: "back", Home: "first", End: "last" };
    if (event.key === "Escape") forget();
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!keys[event.key] || event.target.closest("input, select, textarea, summary, pre")) return;
    event.preventDefault();
    play(false);
    go(keys[event.key]);
  });
}

function drawSteps(scene) {
  const { stages, now, separable, playing } = scene;
  if (!playing) clearInterval(timer);
  const { g } = stages[now.stage];
  byId("stage-name").textContent = separable ? `stage ${now.stage + 1}, ${kindOf(g)}:` : "";
  byId("counter").textContent = figure(now.done);
  const all = told(scene, "macs", figure(totalOf(g)));
  const bar = byId("counter-bar");
  byId("counter-total").textContent = all;
  bar.hidden = all === HIDDEN; // it would tell the total
  if (bar.hidden) bar.removeAttribute("value");
  else [bar.max, bar.value] = [totalOf(g), now.done];
  const button = document.querySelector("[data-go=play]");
  button.textContent = playing ? "Pause" : "Play";
  button.setAttribute("aria-pressed", String(playing));
  byId("sentence").setAttribute("aria-live", playing ? "off" : "polite"); // else it never stops
  const names = namesOf(separable, now.stage);
  const at = numbersAt(stages[now.stage], now);
  const total = isHidden(scene, now.stage, outputIndex(g, now)) ? HIDDEN : at.sum;
  byId("sentence").textContent =
    `${element(names.y, now.n, now.f, now.oh, now.ow)}: ` +
    `${at.x} × ${at.weight} = ${at.x * at.weight}` +
    `${now.onPad ? " (a padding cell)" : ""}; the sum is ${total}` +
    `${now.done % g.K ? "" : ", complete"}.`;
}

/** What the arrays of a stage are called. */
function namesOf(separable, stage) {
  if (!separable) return { x: "x", weight: "weight", y: "y" };
  return stage === 0
    ? { x: "x", weight: "depthwise_weight", y: "z" }
    : { x: "z", weight: "pointwise_weight", y: "y" };
}
