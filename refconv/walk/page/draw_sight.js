"use strict";
// What matters is kept in sight. What is too wide scrolls in a frame of its own: each frame is
// scrolled to the current cell when the pinned place changes, and left alone when the reader scrolls.
// A new question backwards brings one of its answers into view, beside the cell asked about.

const MARGIN = 8; // pixels between an answer and the edge of the window

let lastSight = "";
let lastAsked = null;

function drawSight({ layer, separable, now, asked }) {
  const key = JSON.stringify([layer, separable, now]);
  if (key !== lastSight) {
    const cells = document.querySelectorAll("#arrays td.now, #im2col tbody td.now:not(.filter)");
    for (const cell of cells) keepInFrames(cell);
  }
  lastSight = key;
  if (asked && asked !== lastAsked) bringTogether();
  lastAsked = asked;
}

/** Scroll the frames around a cell across, and nothing else, until it stands in their middle. */
function keepInFrames(cell) {
  for (const frame of [cell.closest(".scroll"), cell.closest(".planes")]) {
    if (!frame) continue;
    const [outer, inner] = [frame.getBoundingClientRect(), cell.getBoundingClientRect()];
    if (inner.left < outer.left || inner.right > outer.right) {
      frame.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2);
    }
  }
}

/** Scroll no farther than an answer needs, and only if it and the cell asked about fit in the window. */
function bringTogether() {
  const question = document.querySelector("#arrays td.asked");
  const answers = [...document.querySelectorAll("#arrays td.lit")];
  if (!question || !answers.length) return;
  const bar = byId("stepper").getBoundingClientRect();
  const above = getComputedStyle(byId("stepper")).position === "sticky" ? bar.height : 0;
  const room = [above + MARGIN, innerHeight - MARGIN];
  const { top, bottom } = question.getBoundingClientRect();
  const span = (cell) => {
    const answer = cell.getBoundingClientRect();
    return [Math.min(top, answer.top), Math.max(bottom, answer.bottom)];
  };
  const size = ([from, to]) => to - from;
  const nearest = answers.reduce((best, cell) => (size(span(cell)) < size(span(best)) ? cell : best));
  keepInFrames(nearest);
  const [from, to] = span(nearest);
  if (to - from > room[1] - room[0]) return;
  if (from < room[0]) scrollBy(0, from - room[0]);
  else if (to > room[1]) scrollBy(0, to - room[1]);
}
