// @ts-check
/** @typedef {ChartData['lanes'][number]} Lane */

const laneHeight = 48;
/** The strips of a lane: where they begin and how high they are, in CSS pixels. */
const strips = /** @type {const} */ ([
  ['process', 6, 18],
  ['readiness', 27, 6],
  ['rotation', 36, 6],
]);

/** @param {uPlot} u @param {ChartData} data @param {Theme} theme */
function drawLanes(u, { lanes, bandNames }, theme) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  lanes.forEach((lane, row) => {
    const top = bbox.top + row * laneHeight * ratio;
    if (row > 0) drawRule(ctx, bbox.left, top, bbox.width, theme);
    for (const [strip, offset, height] of strips) {
      for (const [state, fromMs, toMs] of lane[strip]) {
        const band = { state, fromMs, toMs, name: bandNames[state] ?? state };
        drawBand(u, band, top + offset * ratio, height * ratio, theme);
      }
    }
    for (const mark of lane.marks) drawMark(u, mark, top, theme);
  });
  ctx.restore();
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {number} left @param {number} top @param {number} width @param {Theme}
 * theme
 */
function drawRule(ctx, left, top, width, theme) {
  ctx.fillStyle = theme('rule');
  ctx.fillRect(left, top, width, devicePixelRatio);
}

/**
 * @param {uPlot} u @param {{ state: string, name: string, fromMs: number, toMs: number }} band @param {number} top
 * @param {number} height @param {Theme} theme
 */
function drawBand(u, { state, name, fromMs, toMs }, top, height, theme) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  // Never outside of what is seen: a zoomed-in band may be very long, and its name belongs into the visible part.
  const left = Math.max(u.valToPos(fromMs / 1000, 'x', true), bbox.left - 8 * ratio);
  const right = Math.min(u.valToPos(toMs / 1000, 'x', true), bbox.left + bbox.width + 8 * ratio);
  if (right <= left) return;
  const width = Math.max(right - left - ratio, ratio);
  const colour = theme(`band-${state}`) || theme('band-stopping');
  ctx.beginPath();
  ctx.roundRect(left, top, width, height, Math.min(2.5 * ratio, width / 2));
  const isHollow = state === 'not-ready' || state === 'out';
  if (isHollow) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = ratio;
    ctx.save();
    ctx.clip();
    ctx.lineWidth = 2 * ratio;
    ctx.stroke();
    ctx.restore();
    return;
  }
  ctx.fillStyle = state === 'leaving' || state === 'starting' ? hatch(colour, theme('paper')) : colour;
  ctx.fill();
  ctx.font = `500 ${11 * ratio}px ${fontFamily}`;
  const visible = Math.min(right, bbox.left + bbox.width) - Math.max(left, bbox.left);
  if (height < 14 * ratio || ctx.measureText(name).width + 12 * ratio > visible) return;
  const at = Math.max(left, bbox.left) + 6 * ratio;
  if (state === 'starting') {
    ctx.fillStyle = theme('paper');
    ctx.beginPath();
    ctx.roundRect(
      at - 3 * ratio,
      top + 2 * ratio,
      ctx.measureText(name).width + 6 * ratio,
      height - 4 * ratio,
      2 * ratio,
    );
    ctx.fill();
  }
  ctx.fillStyle = theme('band-ink');
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  ctx.fillText(name, at, top + height / 2 + 0.5 * ratio);
}

/**
 * A signal is a flag, an exit a bar with its code, SIGKILL a cross.
 * @param {uPlot} u @param {Lane['marks'][number]} mark @param {number} top @param {Theme} theme
 */
function drawMark(u, { kind, atMs, text }, top, theme) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const x = u.valToPos(atMs / 1000, 'x', true);
  const colour = theme(kind === 'killed' ? 'bad' : 'ink');
  ctx.fillStyle = ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5 * ratio;
  if (kind === 'signal') {
    ctx.beginPath();
    ctx.moveTo(x - 4.5 * ratio, top + 2 * ratio);
    ctx.lineTo(x + 4.5 * ratio, top + 2 * ratio);
    ctx.lineTo(x, top + 10 * ratio);
    ctx.fill();
    ctx.fillRect(x - 0.75 * ratio, top + 4 * ratio, 1.5 * ratio, 38 * ratio);
    return;
  }
  ctx.fillRect(x - 1.25 * ratio, top + 5 * ratio, 2.5 * ratio, 20 * ratio);
  if (kind === 'killed') ctx.stroke(cross(x + 11 * ratio, top + 15 * ratio, 4.5 * ratio));
  const label = /** @type {string} */ (text.split(',')[0]);
  ctx.font = `600 ${11 * ratio}px ${fontFamily}`;
  const from = x + (kind === 'killed' ? 20 : 6) * ratio;
  if (from + ctx.measureText(label).width > bbox.left + bbox.width) return;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  ctx.fillText(label, from, top + 15.5 * ratio);
}

/** @param {number} x @param {number} y @param {number} size */
function cross(x, y, size) {
  const path = new Path2D();
  path.moveTo(x - size, y - size);
  path.lineTo(x + size, y + size);
  path.moveTo(x - size, y + size);
  path.lineTo(x + size, y - size);
  return path;
}

/**
 * What a replica was doing at a moment, in words.
 * @param {Lane} lane @param {ChartData['bandNames']} names @param {number} atMs
 */
function statesAt(lane, names, atMs) {
  const states = strips.flatMap(([strip]) => lane[strip].filter(([, fromMs, toMs]) => fromMs <= atMs && atMs < toMs));
  return states.length > 0 ? states.map(([state]) => names[state] ?? state).join(', ') : 'not running';
}
