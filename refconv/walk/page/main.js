"use strict";
// The page begins: controls are built, views are drawn, refconv's numbers are compared.

views.push(
  drawLayer,
  drawSteps,
  drawArrays,
  drawSum,
  drawWiring,
  drawIm2col,
  drawCounts,
  drawPredict,
  drawCalls,
  drawSight,
  drawAgreement,
);

buildStructure();
buildSteppers();
buildSteps();
buildStructures();
buildPredict();
buildCalls();
byId("options").open = matchMedia("(min-width: 1100px)").matches; // else the page begins below
relayer({});
compare();
