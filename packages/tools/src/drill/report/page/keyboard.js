// @ts-check
/**
 * What there is to tell, in the order it happened: failures, signals, exits.
 * @typedef {{ x: number, lines: string[], dot?: Dot, row?: number }} Happening
 */

/** @param {ChartData} data @param {readonly Dot[]} failures @returns {Happening[]} */
function happeningsOf(data, failures) {
  const marks = data.lanes.flatMap((lane, row) =>
    lane.marks.map(({ atMs, text }) => ({
      x: atMs / 1000,
      row,
      lines: [`${lane.name}: ${text}`, `at ${moment(atMs / 1000)}`],
    })),
  );
  const failed = failures.map((dot) => ({ x: dot.x, dot, lines: describeDot(dot, data) }));
  return [...marks, ...failed].sort((a, b) => a.x - b.x);
}

/**
 * Arrow keys go from one to the next; Home and End to the ends; Escape closes.
 * @param {HTMLElement} element @param {number} total @param {(index: number | undefined) => void} show
 */
function onArrowKeys(element, total, show) {
  let at = -1;
  element.addEventListener('keydown', (event) => {
    const last = total - 1;
    const to = { ArrowRight: Math.min(at + 1, last), ArrowLeft: Math.max(at - 1, 0), Home: 0, End: last }[event.key];
    if (event.key === 'Escape') show(undefined);
    if (to === undefined || total === 0) return;
    event.preventDefault();
    at = to;
    show(at);
  });
  element.addEventListener('blur', () => show(undefined));
}
