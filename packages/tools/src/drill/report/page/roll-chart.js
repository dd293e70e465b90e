// @ts-check
const dotsHeight = { wide: 300, narrow: 250 };
const axisHeight = 48;

/** The two panels of a roll, on one clock. */
class RollChart {
  /** @param {HTMLElement} figure @param {ChartData} data */
  constructor(figure, data) {
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (figure.querySelector(selector));
    this.data = data;
    this.theme = readTheme();
    this.plots = find('.plots');
    this.tip = find('.tip');
    this.said = find('.said');
    this.answered = answeredDots(data);
    this.failed = failedDots(data);
    this.full = /** @type {const} */ ([data.fromMs / 1000, data.toMs / 1000]);
    this.dots = this.plotDots(find('.plot.dots'));
    this.lanes = this.plotLanes(find('.plot.lanes'));
    this.addZoom(find('.zoom'));
    this.addPointer();
    const happenings = happeningsOf(data, this.failed);
    onArrowKeys(this.plots, happenings.length, (index) =>
      this.tell(index === undefined ? undefined : happenings[index]),
    );
    new ResizeObserver(() => this.resize()).observe(this.plots);
    onThemeChange(() => this.repaint());
  }

  get width() {
    return Math.max(240, this.plots.clientWidth);
  }

  get isNarrow() {
    return this.width < 560;
  }

  /** @param {HTMLElement} target */
  plotDots(target) {
    const kinds = this.data.kinds.map((kind) => this.failed.filter((dot) => dot.kind === kind));
    const groups = [this.answered, ...kinds].filter((dots) => dots.length > 0);
    const facets = [
      { scale: 'x', auto: false },
      { scale: 'y', auto: false },
    ];
    const values = /** @type {any} */ ([
      null,
      ...groups.map((dots) => [dots.map(({ x }) => x), dots.map(({ y }) => y)]),
    ]);
    const options = /** @type {any} */ ({
      ...this.commonOptions([16, 18, 4, 0]),
      mode: 2,
      height: this.isNarrow ? dotsHeight.narrow : dotsHeight.wide,
      scales: { x: this.xScale(), y: { distr: 3, auto: false, range: () => this.latencyRange() } },
      series: [
        {},
        ...groups.map((dots) => ({ facets, paths: (/** @type {uPlot} */ u) => (drawDots(u, dots, this.theme), null) })),
      ],
      axes: [
        { ...this.axis(), size: 8, values: () => [] },
        { ...this.axis(), size: () => this.gutter(), ...latencyAxis },
      ],
      hooks: {
        setScale: [this.follow],
        drawClear: [(/** @type {uPlot} */ u) => this.shadeStops(u)],
        drawAxes: [(/** @type {uPlot} */ u) => this.drawSignals(u)],
      },
    });
    return new uPlot(options, values, target);
  }

  /** @param {HTMLElement} target */
  plotLanes(target) {
    const { lanes } = this.data;
    const options = /** @type {any} */ ({
      ...this.commonOptions([0, 18, 0, 0]),
      height: lanes.length * laneHeight + axisHeight,
      scales: { x: this.xScale(), y: { auto: false, dir: -1, range: () => [0, lanes.length] } },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        {
          ...this.axis(),
          size: axisHeight - 20,
          values: secondsText,
          label: 'since the roll began',
          labelSize: 20,
          labelGap: 0,
          labelFont: `12px ${fontFamily}`,
        },
        {
          ...this.axis(),
          grid: { show: false },
          size: () => this.gutter(),
          splits: () => lanes.map((_, row) => row + 0.5),
          values: () => lanes.map(({ name }) => this.shortened(name)),
        },
      ],
      hooks: { setScale: [this.follow], draw: [(/** @type {uPlot} */ u) => drawLanes(u, this.data, this.theme)] },
    });
    return new uPlot(options, [[...this.full], [0, 0]], target);
  }

  /** @param {readonly number[]} padding */
  commonOptions(padding) {
    return {
      width: this.width,
      padding,
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, dist: 6 },
        sync: { key: this.data, scales: ['x', null] },
        bind: { dblclick: () => () => (this.show(this.full), null) },
      },
    };
  }

  xScale() {
    const [min, max] = this.full;
    return {
      time: false,
      auto: false,
      min,
      max,
      range: (/** @type {uPlot} */ _, /** @type {number} */ from, /** @type {number} */ to) => [from, to],
    };
  }

  axis() {
    const ink = () => this.theme('muted');
    const rule = { stroke: () => this.theme('rule'), width: 1 };
    return {
      stroke: ink,
      font: `12px ${fontFamily}`,
      grid: rule,
      ticks: { show: false },
      gap: 6,
      space: this.isNarrow ? 56 : 70,
    };
  }

  gutter() {
    return this.isNarrow ? 66 : 92;
  }

  /** @param {string} name */
  shortened(name) {
    const room = this.isNarrow ? 9 : 13;
    return name.length <= room ? name : `${name.slice(0, room - 1)}…`;
  }

  latencyRange() {
    const values = [...this.answered, ...this.failed].map(({ y }) => y);
    const low = values.reduce((a, b) => Math.min(a, b), 10);
    const high = values.reduce((a, b) => Math.max(a, b), 10);
    return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high * 1.2))];
  }

  /** The panels show the same time; arrow functions, since uPlot is their caller. */
  follow = (/** @type {uPlot} */ u, /** @type {string} */ key) => {
    const other = u === this.dots ? this.lanes : this.dots;
    if (key !== 'x' || !this.dots || !this.lanes || !other) return;
    const { min, max } = u.scales.x;
    if (min === undefined || max === undefined || (other.scales.x.min === min && other.scales.x.max === max)) return;
    other.setScale('x', { min, max });
  };

  /** @param {readonly [number, number]} range in seconds */
  show([min, max]) {
    this.dots.setScale('x', { min, max });
  }

  /** @param {uPlot} u */
  shadeStops({ ctx, bbox, valToPos }) {
    ctx.fillStyle = this.theme('stop-shade');
    for (const { marks } of this.data.lanes) {
      const signal = marks.find(({ kind }) => kind === 'signal');
      const exit = marks.find(({ kind }) => kind !== 'signal');
      if (!signal) continue;
      const left = Math.max(bbox.left, valToPos(signal.atMs / 1000, 'x', true));
      const right = Math.min(bbox.left + bbox.width, exit ? valToPos(exit.atMs / 1000, 'x', true) : Infinity);
      if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
  }

  /** @param {uPlot} u */
  drawSignals({ ctx, bbox, valToPos }) {
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = this.theme('muted');
    ctx.lineWidth = ratio;
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    ctx.font = `600 ${11 * ratio}px ${fontFamily}`;
    ctx.textBaseline = 'bottom';
    ctx.textAlign = 'left';
    let free = -Infinity;
    const signals = this.data.lanes.flatMap(({ marks }) => marks.filter(({ kind }) => kind === 'signal'));
    for (const { atMs, text } of signals.sort((a, b) => a.atMs - b.atMs)) {
      const x = Math.round(valToPos(atMs / 1000, 'x', true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x + 0.5, bbox.top);
      ctx.lineTo(x + 0.5, bbox.top + bbox.height);
      ctx.stroke();
      const { width } = ctx.measureText(text);
      const left = Math.min(x, bbox.left + bbox.width - width);
      if (left < free) continue;
      ctx.fillText(text, left, bbox.top - 3 * ratio);
      free = left + width + 8 * ratio;
    }
    ctx.restore();
  }

  /** @param {HTMLElement} group */
  addZoom(group) {
    const add = (/** @type {string} */ name, /** @type {readonly [number, number]} */ range) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = name;
      button.addEventListener('click', () => this.show(range));
      group.append(button);
    };
    add('Whole roll', this.full);
    for (const { name, marks } of this.data.lanes) {
      const at = marks.map(({ atMs }) => atMs / 1000);
      if (marks.some(({ kind }) => kind === 'signal')) add(`${name} stops`, this.around(at));
    }
  }

  /** @param {readonly number[]} moments @returns {readonly [number, number]} */
  around(moments) {
    const [from, to] = [Math.min(...moments), Math.max(...moments)];
    const margin = Math.max(0.1, (to - from) * 0.2);
    return [Math.max(this.full[0], from - margin), Math.min(this.full[1], to + margin)];
  }

  /** A mouse shows what it is over; a finger what it has tapped, until it taps elsewhere. */
  addPointer() {
    const point = (/** @type {PointerEvent} */ { clientX, clientY }) => this.point(clientX, clientY);
    this.plots.addEventListener('pointermove', point);
    this.plots.addEventListener('pointerdown', point);
    document.addEventListener('pointerdown', ({ target }) => {
      if (!this.plots.contains(/** @type {Node} */ (target))) this.tip.hidden = true;
    });
    this.plots.addEventListener('pointerleave', ({ pointerType }) => {
      if (pointerType === 'mouse') this.tip.hidden = true;
    });
  }

  /** @param {number} clientX @param {number} clientY */
  point(clientX, clientY) {
    const within = (/** @type {uPlot} */ u) => {
      const { left, top, right, bottom } = u.over.getBoundingClientRect();
      const isIn = clientX >= left && clientX <= right && clientY >= top - 8 && clientY <= bottom;
      return isIn ? { left: clientX - left, top: clientY - top } : undefined;
    };
    const onDots = within(this.dots);
    const onLanes = within(this.lanes);
    const dot = onDots && dotAt(this.dots, [...this.failed, ...this.answered], onDots.left, onDots.top);
    const lane = onLanes && this.data.lanes[Math.floor(onLanes.top / laneHeight)];
    if (dot) this.tipAt(this.dots, describeDot(dot, this.data), dot.x, this.dots.valToPos(dot.y, 'y'));
    else if (lane) {
      const x = this.lanes.posToVal(onLanes.left, 'x');
      this.tipAt(this.lanes, describeLane(lane, this.data.bandNames, x * 1000), x, onLanes.top);
    } else this.tip.hidden = true;
  }

  /** @param {Happening | undefined} happening */
  tell(happening) {
    if (!happening) {
      this.tip.hidden = true;
      return;
    }
    const { x, lines, dot, row = 0 } = happening;
    const { min = this.full[0], max = this.full[1] } = this.dots.scales.x;
    if (x < min || x > max) this.show(this.full);
    if (dot) this.tipAt(this.dots, lines, x, this.dots.valToPos(dot.y, 'y'));
    else this.tipAt(this.lanes, lines, x, (row + 0.3) * laneHeight);
    this.said.textContent = lines.join('; ');
  }

  /** @param {uPlot} u @param {readonly string[]} lines @param {number} x @param {number} top */
  tipAt(u, lines, x, top) {
    const here = this.plots.getBoundingClientRect();
    const over = u.over.getBoundingClientRect();
    showTip(this.tip, lines, over.left - here.left + u.valToPos(x, 'x'), over.top - here.top + top);
  }

  resize() {
    if (this.dots.width === this.width) return;
    this.dots.setSize({ width: this.width, height: this.isNarrow ? dotsHeight.narrow : dotsHeight.wide });
    this.lanes.setSize({ width: this.width, height: this.lanes.height });
  }

  repaint() {
    this.theme = readTheme();
    this.dots.redraw();
    this.lanes.redraw();
  }
}

/** Lines at 1, 10, 100 ms, and none between. */
const latencyAxis = {
  splits: (/** @type {uPlot} */ { scales }) => {
    const [low, high] = [scales.y.min ?? 1, scales.y.max ?? 1].map((ms) => Math.round(Math.log10(ms)));
    return Array.from({ length: high - low + 1 }, (_, index) => Number((10 ** (low + index)).toPrecision(1)));
  },
  filter: (/** @type {uPlot} */ _, /** @type {readonly number[]} */ splits) => splits,
  values: (/** @type {uPlot} */ _, /** @type {readonly number[]} */ splits) => splits.map(latencyText),
};

/** @param {uPlot} _ @param {readonly number[]} splits */
function secondsText(_, splits) {
  return splits.map((seconds) => `${Number(seconds.toFixed(3))}\u00a0s`);
}
