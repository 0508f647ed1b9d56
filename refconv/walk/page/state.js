"use strict";
// What the page shows now, in one object; `change` is the only way to another.
// Views follow from it: each has a draw function, and none holds a state of the lesson.

const LESSON = JSON.parse(document.getElementById("lesson").textContent);

const POOLS = Object.fromEntries(
  Object.entries(LESSON.pools).map(([name, { shape, least, digits }]) => [
    name,
    { shape, values: Int8Array.from(digits, (digit) => Number(digit) + least) },
  ]),
);

const state = {
  layer: LESSON.layer,
  wantedG: LESSON.layer.G, // what the reader chose; the layer's G is less where it does not divide
  separable: false,
  stage: 0, // the pinned place: `done` multiply-accumulates of a stage
  done: 1,
  preview: null, // {stage, done} under the pointer or the focus: grids show it, sentences wait
  asked: null, // {stage, array: "x" or "weight", index}: which outputs use this number?
  unit: "output",
  playing: false,
  predicting: false,
  revealed: new Set(), // questions that were answered, by name; forgotten when they change
};

const views = []; // functions of the scene, called in order after every change

/** What is shown: the stages worked, the place pinned, and the place seen, in each stage. */
function sceneOf() {
  const stages = workedOnce(state.layer, state.separable);
  const now = placeAfter(stages, state.stage, state.done);
  const seen = state.preview ? placeAfter(stages, state.preview.stage, state.preview.done) : now;
  const places = stages.map((_, stage) =>
    stage === seen.stage ? seen : companion(stages, seen, stage),
  );
  return { ...state, stages, now, seen, places, lit: state.asked && usersOf(stages, state.asked) };
}

/** Whether an output is still to be predicted: not reached yet, or at hand and not revealed. */
function isHidden({ predicting, revealed, stages, now }, stage, index) {
  if (!predicting || stage < now.stage) return false;
  if (stage > now.stage) return true;
  const atHand = outputIndex(stages[stage].g, now);
  return index > atHand || (index === atHand && !revealed.has("y"));
}

/** In the other stage, the place that belongs to this one: what made its input, or uses its output. */
function companion(stages, { n, f, oh, ow, c, h, w }, other) {
  const { g } = stages[other];
  const output = other === 0 ? { n, f: c, oh: h, ow: w } : { n, f: 0, oh, ow };
  const tap = other === 0 ? undefined : { cg: f, kh: 0, kw: 0 };
  return placeAfter(stages, other, doneAt(g, output, tap));
}

let lastWorked = { key: "" };

function workedOnce(layer, separable) {
  const key = JSON.stringify([layer, separable]);
  if (lastWorked.key !== key) {
    lastWorked = { key, stages: work(stagesOf(layer, separable), POOLS) };
  }
  return lastWorked.stages;
}

function draw() {
  const scene = sceneOf();
  for (const view of views) view(scene);
}

function change(news) {
  Object.assign(state, news);
  draw();
}

/** `done` where an output is opened: complete, or at its first product where that is the question. */
function openedAt(g, output) {
  const { predicting, unit } = state;
  const first = { cg: 0, kh: 0, kw: 0 };
  return doneAt(g, output, predicting || unit === "mac" ? first : undefined);
}

/** From a complete output back to its first product, to walk through the sum. */
function toFirstProduct() {
  const { stages, now } = sceneOf();
  const { g } = stages[now.stage];
  if (now.done % g.K === 0) pin({ stage: now.stage, done: openedAt(g, now) });
}

/** Another layer or structure: at its first output, with no question open. */
function relayer(news) {
  const next = { ...state, ...news };
  const [g] = stagesOf(next.layer, next.separable);
  change({
    ...news,
    stage: 0,
    done: openedAt(g, { n: 0, f: 0, oh: 0, ow: 0 }),
    preview: null,
    asked: null,
    playing: false,
    revealed: new Set(),
  });
}

/** Another place: what was revealed stays so, unless it is another question there. */
function pin({ stage, done }, news = {}) {
  const asks = () => new Map(questionsOf(sceneOf()).map(({ name, ask }) => [name, ask]));
  const before = state.revealed.size ? asks() : null;
  Object.assign(state, { stage, done });
  if (before) {
    const after = asks();
    news.revealed = new Set([...state.revealed].filter((name) => before.get(name) === after.get(name)));
  }
  change({ preview: null, ...news });
}

const byId = (id) => document.getElementById(id);
const figure = (number) => number.toLocaleString("en");
const element = (name, ...indices) => `${name}[${indices.join(", ")}]`;
const capital = (text) => text[0].toUpperCase() + text.slice(1);
const range = (length, first = 0) => Array.from({ length }, (_, i) => first + i);
/** Where a window of `size` that holds `at` begins, among `all`. */
const windowStart = (at, size) => Math.floor(at / size) * size;
