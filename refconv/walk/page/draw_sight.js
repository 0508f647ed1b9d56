"use strict";
// On a phone, what is wide scrolls in a frame of its own: here each frame is scrolled to the current
// cell when the pinned place changes, and left alone when the reader scrolls.

const NARROW = matchMedia("(max-width: 700px)");

let lastSight = "";

function drawSight({ layer, separable, now }) {
  const key = JSON.stringify([layer, separable, now]);
  if (!NARROW.matches || key === lastSight) return;
  lastSight = key;
  for (const frame of document.querySelectorAll(".planes, #im2col .scroll")) {
    const cell = frame.querySelector("tbody td.now:not(.filter)");
    if (cell) keepInSight(frame, cell);
  }
}

/** Scroll a frame across, and nothing else, until the cell stands in its middle. */
function keepInSight(frame, cell) {
  const [outer, inner] = [frame.getBoundingClientRect(), cell.getBoundingClientRect()];
  if (inner.left < outer.left || inner.right > outer.right) {
    frame.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2);
  }
}
