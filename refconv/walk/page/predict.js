"use strict";
// Questions about what is shown now: the reader types a guess, or reveals the answer and how.

/** The questions of a scene: {name, ask, answer, how}. */
function questionsOf({ stages, now, separable }) {
  const stage = stages[now.stage];
  const { g } = stage;
  const names = namesOf(separable, now.stage);
  const geometries = stages.map((s) => s.g);
  const end = { ...now, cg: g.Cg - 1, kh: g.KH - 1, kw: g.KW - 1 };
  // A padding cell is no number of x: ask for the first one then.
  const [n, c, h, w] = now.onPad ? [0, 0, 0, 0] : [now.n, now.c, now.h, now.w];
  const terms = numbersAt(stage, { ...end, ...read(g, end) });
  return [
    {
      name: "y",
      ask: `What is ${element(names.y, now.n, now.f, now.oh, now.ow)}?`,
      answer: stage.y[outputIndex(g, now)],
      how:
        `${g.K} products, of which ${figure(onData(g, now))} are on data; those of the last input channel: ` +
        terms.terms.map((t) => `${t.x}·${bracketed(t.weight)}`).join(" + "),
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

function buildPredict() {
  byId("predicting").addEventListener("change", (event) =>
    change({ predicting: event.target.checked, revealed: new Set() }),
  );
  byId("questions").addEventListener("submit", (event) => {
    event.preventDefault();
    const { name } = event.target.dataset;
    const { answer } = questionsOf(sceneOf()).find((question) => question.name === name);
    const guess = event.target.querySelector("input").value.trim();
    const verdict = event.target.querySelector(".verdict");
    if (guess === "") verdict.textContent = "Type a whole number.";
    else if (Number(guess) !== answer)
      verdict.textContent = `${guess} is not it: try again, or reveal.`;
    else reveal(name);
  });
  byId("questions").addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]");
    if (button) reveal(button.dataset.reveal);
  });
}

function reveal(name) {
  change({ revealed: new Set([...state.revealed, name]) });
}

let lastQuestions = "";

function drawPredict(scene) {
  document.body.classList.toggle("predicting", scene.predicting && !scene.revealed.has("macs"));
  byId("predicting").checked = scene.predicting;
  const questions = questionsOf(scene);
  const key = questions.map((q) => q.ask + q.answer).join();
  if (key !== lastQuestions) {
    lastQuestions = key;
    byId("questions").innerHTML = questions
      .map(
        ({ name, ask }) => `
      <form data-name="${name}" autocomplete="off">
        <label for="guess-${name}">${ask}</label>
        <span class="guess"><input id="guess-${name}" inputmode="numeric" pattern="-?[0-9]+" size="8">
        <button type="submit">Check</button>
        <button type="button" data-reveal="${name}">Reveal</button></span>
        <p class="verdict" role="status"></p>
      </form>`,
      )
      .join("");
  }
  for (const { name, answer, how } of questions) {
    if (!scene.revealed.has(name)) continue;
    const form = byId("questions").querySelector(`[data-name=${name}]`);
    const right = Number(form.querySelector("input").value || NaN) === answer;
    form.querySelector(".verdict").innerHTML =
      `${right ? "Right: " : ""}<b data-answer="${name}">${figure(answer)}</b>. ${capital(how)}.`;
  }
}
