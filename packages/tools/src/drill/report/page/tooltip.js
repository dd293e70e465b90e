// @ts-check
/** @param {number} seconds */
function moment(seconds) {
  return `${seconds.toFixed(3)}\u00a0s`;
}

/** @param {number} ms */
function latencyText(ms) {
  return ms < 1000 ? `${Number(ms.toPrecision(3))}\u00a0ms` : `${Number((ms / 1000).toPrecision(3))}\u00a0s`;
}

/**
 * A request in a line for its headline, and lines below it.
 * @param {Dot} dot @param {ChartData} data @returns {string[]}
 */
function describeDot({ x, y, kind, replica, request, count }, { lanes, requests, signal }) {
  const lane = lanes[replica];
  const signalled = lane?.marks.find((mark) => mark.kind === 'signal');
  const sinceMs = signalled && Math.round(x * 1000 - signalled.atMs);
  const relative =
    sinceMs === undefined ? '' : `, ${latencyText(Math.abs(sinceMs))} ${sinceMs < 0 ? 'before' : 'after'} ${signal}`;
  return [
    `${kind ? kind.name : 'answered'}${count > 1 ? `, ${count} together` : ''}, ${latencyText(y)}`,
    requests[request] ?? 'request not known',
    `due at ${moment(x)}`,
    `${lane ? lane.name : 'replica not known'}${relative}`,
  ];
}

/** @param {Lane} lane @param {ChartData['bandNames']} names @param {number} atMs @returns {string[]} */
function describeLane(lane, names, atMs) {
  return [
    lane.name,
    `at ${moment(atMs / 1000)}: ${statesAt(lane, names, atMs)}`,
    ...lane.marks.map((mark) => `${mark.text}, at ${moment(mark.atMs / 1000)}`),
  ];
}

/**
 * Shows lines beside a point of the chart, inside of it.
 * @param {HTMLElement} tip @param {readonly string[]} lines @param {number} left @param {number} top
 */
function showTip(tip, lines, left, top) {
  tip.replaceChildren(
    ...lines.map((line, index) => {
      const element = document.createElement(index === 0 ? 'strong' : 'span');
      element.textContent = line;
      return element;
    }),
  );
  tip.hidden = false;
  const room = /** @type {HTMLElement} */ (tip.parentElement).clientWidth;
  const beside = left + 14 + tip.offsetWidth > room ? left - 14 - tip.offsetWidth : left + 14;
  tip.style.left = `${Math.max(0, Math.min(beside, room - tip.offsetWidth))}px`;
  tip.style.top = `${Math.max(0, top - tip.offsetHeight / 2)}px`;
}
