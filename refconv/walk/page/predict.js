"use strict";
// Questions about what is shown now: the reader types a guess, or reveals the answer and how.
// While answers are hidden, a text that tells one is a question mark until its question is revealed.

const HIDDEN = "?";

/** The questions of a scene: {name, ask, answer, how}. An answer is a number, or a fraction as text. */
function questionsOf({ stages, now, separable, layer }) {
  const stage = stages[now.stage];
  const { g } = stage;
  const names = namesOf(separable, now.stage);
  const geometries = stages.map((s) => s.g);
  const end = { ...now, cg: g.Cg - 1, kh: g.KH - 1, kw: g.KW - 1 };
  // A padding cell is no number of x: ask for the first one then.
  const [n, c, h, w] = now.onPad ? [0, 0, 0, 0] : [now.n, now.c, now.h, now.w];
  const terms = numbersAt(stage, { ...end, ...read(g, end) });
  const { symbols, numbers, value } = promise(layer, separable);
  return [
    {
      name: "y",
      ask: `What is ${element(names.y, now.n, now.f, now.oh, now.ow)}?`,
      answer: stage.y[outputIndex(g, now)],
      how:
        `${figure(onData(g, now))} of its products are on data; those of the last input channel: ` +
        terms.terms.map((t) => `${t.x}·${bracketed(t.weight)}`).join(" + "),
    },
    {
      name: "taps",
      ask: `How many multiplications does one output of ${names.y} take, padding cells counted?`,
      answer: g.K,
      how: `${[g.Cg, g.KH, g.KW].join("·")}: a kernel sees every input channel of its group`,
    },
    {
      name: "macs",
      ask: "How many MACs does this structure take, padding cells counted?",
      answer: count(geometries).macs,
      how: geometries.map((s) => [s.N, s.F, s.OH, s.OW, s.Cg, s.KH, s.KW].join("·")).join(" + "),
    },
    {
      name: "parameters",
      ask: "How many numbers do its weights hold?",
      answer: count(geometries).parameters,
      how: geometries.map((s) => [s.F, s.Cg, s.KH, s.KW].join("·")).join(" + "),
    },
    {
      name: "ratio",
      ask: "What part is that of the standard layer's MACs? A fraction, such as 3/4.",
      answer: value,
      how: `${symbols} = ${numbers}`,
    },
    {
      name: "users",
      ask: `How many outputs of ${names.y} use ${element(names.x, n, c, h, w)}?`,
      answer: sum([...usersOfInput(g, ((n * g.C + c) * g.H + h) * g.W + w)]),
      how: `${g.Fg} output channels of its group, each at the windows that cover it`,
    },
  ];
}

function onData(g, { oh, ow }) {
  return g.Cg * rowsInside(g)[oh] * columnsInside(g)[ow];
}

/** A text that tells the answer to a question, or a question mark as long as it is hidden. */
function told({ predicting, revealed }, name, text) {
  return predicting && !revealed.has(name) ? HIDDEN : text;
}

/** A guess as a number or fraction in lowest terms, however it is spelled; null where it is none. */
function guessOf(text) {
  const plain = text.replace(/[,\s]/g, "").replace(/\u2212/g, "-");
  const parts = /^(-?\d+)(?:\/([1-9]\d*))?$/.exec(plain);
  return parts && fraction(Number(parts[1]), Number(parts[2] ?? 1));
}

function buildPredict() {
  byId("predicting").addEventListener("change", (event) => {
    change({ predicting: event.target.checked, revealed: new Set() });
    toFirstProduct();
  });
  byId("questions").innerHTML = questionsOf(sceneOf())
    .map(
      ({ name }) => `
      <form data-name="${name}" autocomplete="off" novalidate>
        <label for="guess-${name}"></label>
        <span class="guess"><input id="guess-${name}" inputmode="text" size="8">
        <button type="submit">Check</button>
        <button type="button" data-reveal="${name}">Reveal</button></span>
        <p class="verdict" role="status"></p>
      </form>`,
    )
    .join("");
  byId("questions").addEventListener("submit", (event) => {
    event.preventDefault();
    const { name } = event.target.dataset;
    const { answer } = questionsOf(sceneOf()).find((question) => question.name === name);
    const text = event.target.querySelector("input").value.trim();
    const guess = guessOf(text);
    const verdict = event.target.querySelector(".verdict");
    if (guess === null) {
      verdict.textContent = `Type a ${name === "ratio" ? "fraction" : "whole number"}.`;
    } else if (guess !== String(answer)) {
      verdict.textContent = `${text} is not it: try again, or reveal.`;
    } else reveal(name);
  });
  byId("questions").addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]");
    if (button) reveal(button.dataset.reveal);
  });
}

function reveal(name) {
  change({ revealed: new Set([...state.revealed, name]) });
}

function drawPredict(scene) {
  byId("predicting").checked = scene.predicting;
  for (const { name, ask, answer, how } of questionsOf(scene)) {
    const form = byId("questions").querySelector(`[data-name=${name}]`);
    const [input, verdict] = [form.querySelector("input"), form.querySelector(".verdict")];
    const key = `${ask}${answer}`;
    if (form.dataset.key !== key) {
      // another question: a guess at the one before is none at this
      form.dataset.key = key;
      form.querySelector("label").textContent = ask;
      [input.value, verdict.textContent] = ["", ""];
    }
    if (!scene.revealed.has(name)) continue;
    const right = guessOf(input.value) === String(answer) ? "Right: " : "";
    const text = typeof answer === "number" ? figure(answer) : answer;
    verdict.innerHTML = `${right}<b data-answer="${name}">${text}</b>. ${capital(how)}.`;
  }
}
