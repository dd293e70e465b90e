// @ts-check
/** @typedef {import('../chart-data.js').ChartData} ChartData */
/**
 * One request, or several failures under one mark. `x` is seconds since the roll began, `y` ms; an answered one has no
 * kind.
 * @typedef {{ x: number, y: number, kind?: ChartData['kinds'][number], replica: number, request: number, count: number
 * }} Dot
 */

const leastLatencyMs = 0.1;

/** @param {ChartData} data @returns {Dot[]} */
function answeredDots({ ok, requests }) {
  let atMs = 0;
  return ok.stepMs.map((stepMs, index) => {
    atMs += stepMs;
    return { x: atMs / 1000, y: latencyOf(ok.latencyMs[index]), ...whoIs(ok.who[index], requests.length), count: 1 };
  });
}

/** @param {ChartData} data @returns {Dot[]} */
function failedDots({ failures, kinds, requests }) {
  return failures.dueMs.map((dueMs, index) => ({
    x: dueMs / 1000,
    y: latencyOf(failures.latencyMs[index]),
    kind: kinds[failures.kind[index]],
    ...whoIs(failures.who[index], requests.length),
    count: failures.count[index],
  }));
}

/** @param {number} ms */
function latencyOf(ms) {
  return Math.max(leastLatencyMs, ms);
}

/** @param {number} who @param {number} requests */
function whoIs(who, requests) {
  return { replica: Math.floor(who / requests) - 1, request: who % requests };
}

/**
 * Draws the dots of one outcome at their places, in the colour and the shape of its kind.
 * @param {uPlot} u @param {readonly Dot[]} dots @param {Theme} theme
 */
function drawDots(u, dots, theme) {
  const kind = dots[0]?.kind;
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top - 8 * ratio, bbox.width, bbox.height + 16 * ratio);
  ctx.clip();
  ctx.fillStyle = ctx.strokeStyle = theme(kind ? kind.slot : 'ok');
  ctx.lineJoin = 'round';
  const at = (/** @type {Dot} */ { x, y }) => [u.valToPos(x, 'x', true), u.valToPos(y, 'y', true)];
  if (kind) {
    const mark = scaled(kind.path, 5.5 * ratio);
    for (const dot of dots) drawFailure(ctx, mark, at(dot), kind, theme);
  } else {
    const radius = (dots.length > 1500 ? 1.6 : 2.1) * ratio;
    ctx.globalAlpha = Number(theme('ok-alpha'));
    for (const dot of dots) {
      const [left, top] = at(dot);
      ctx.beginPath();
      ctx.arc(left, top, radius, 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  ctx.restore();
}

/**
 * An edge in the colour of the paper keeps failures apart from each other, and from the dots behind them.
 * @param {CanvasRenderingContext2D} ctx @param {Path2D} mark @param {readonly number[]} at @param
 * {ChartData['kinds'][number]} kind @param {Theme} theme
 */
function drawFailure(ctx, mark, [left, top], { slot, isOpen }, theme) {
  ctx.translate(left, top);
  ctx.strokeStyle = theme('paper');
  ctx.lineWidth = (isOpen ? 5 : 2) * devicePixelRatio;
  ctx.stroke(mark);
  ctx.strokeStyle = theme(slot);
  ctx.lineWidth = 2.4 * devicePixelRatio;
  if (isOpen) ctx.stroke(mark);
  else ctx.fill(mark);
  ctx.translate(-left, -top);
}

/** @param {string} path in a square of −1 to 1 @param {number} size */
function scaled(path, size) {
  const mark = new Path2D();
  mark.addPath(new Path2D(path), new DOMMatrix([size, 0, 0, size, 0, 0]));
  return mark;
}

/**
 * The dot a pointer means: a failure before an answer, and none that is further than a finger is wide.
 * @param {uPlot} u @param {readonly Dot[]} dots @param {number} left @param {number} top
 */
function dotAt(u, dots, left, top) {
  let best;
  let least = Infinity;
  for (const dot of dots) {
    const distance = Math.hypot(u.valToPos(dot.x, 'x') - left, u.valToPos(dot.y, 'y') - top) - (dot.kind ? 6 : 0);
    if (distance < least) [best, least] = [dot, distance];
  }
  return least <= 14 ? best : undefined;
}
