"use strict";
// The page begins: controls are built, views are drawn, refconv's numbers are compared.

views.push(drawLayer, drawSteps, drawArrays, drawSum, drawWiring, drawIm2col, drawCounts,
  drawPredict, drawCalls);

buildStructure();
buildSteppers();
buildSteps();
buildStructures();
buildPredict();
buildCalls();
relayer({});
drawAgreement();
