import { count, duration } from '../format.js';
import { html, type Markup } from '../html.js';
import { type LagLane, lagLanesOf, longestOf } from '../since-signal.js';
import { icon, shapeOf } from '../shapes.js';
import { nameOf } from '../../outcomes.js';
import { type DrillResult } from '../../result.js';
import { listOfKinds } from '../../words.js';

/** What pictures that stand side by side have in common. */
export interface PictureScale {
  /** What is shown, in ms since the signal: from a moment before it. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** One that shows everything of all of these. */
export function scaleOf(results: readonly DrillResult[]): PictureScale {
  const longestMs = longestOf(results.flatMap(({ rolls }) => lagLanesOf(rolls)));
  return { fromMs: -longestMs * 0.06, toMs: longestMs * 1.04 };
}

/** Two of each: text in a picture does not grow when the picture is scaled down. */
const widths = { wide: 1_060, half: 510, narrow: 350 } as const;
type Width = keyof typeof widths;

/**
 * The picture of a drill: failures against the time since the signal, a lane for each lag. Below the failures of a
 * lane, how long the stopped replica ran and was still sent new connections.
 */
export function picture(result: DrillResult, scale: PictureScale, isHalf = false): Markup {
  const lanes = lagLanesOf(result.rolls);
  const outcomes = [...new Set(lanes.flatMap(({ failures }) => failures.map(({ outcome }) => outcome)))];
  return html`<figure class="picture">
    ${[isHalf ? 'half' : 'wide', 'narrow'].map((width) => drawing(result, lanes, scale, width as Width))}
    <figcaption>
      <ul class="outcomes">
        ${outcomes.map((outcome) => html`<li>${icon(outcome)}${nameOf(outcome)}</li>`)}
        <li><i class="swatch runs"></i>the replica still runs</li>
        <li><i class="swatch routed"></i>it is still sent new connections</li>
      </ul>
    </figcaption>
  </figure> `;
}

const laneHeight = 92;
const topHeight = 26;
const axisHeight = 40;

function drawing({ settings }: DrillResult, lanes: readonly LagLane[], scale: PictureScale, width: Width): Markup {
  const total = widths[width];
  const gutter = width === 'wide' ? 190 : 8;
  // Without a gutter a lane has its words above it.
  const head = width === 'wide' ? 0 : 22;
  const height = laneHeight + head;
  const plot = total - gutter - 14;
  const x = (ms: number): number => round(gutter + (plot * (ms - scale.fromMs)) / (scale.toMs - scale.fromMs));
  const bottom = topHeight + lanes.length * height;
  const most = Math.max(1, ...lanes.map((lane) => highest(lane, scale, plot)));
  const signal = settings.attach ? 'the command begins' : settings.signal;
  return html`<svg
    class="${width}"
    viewBox="0 0 ${total} ${bottom + axisHeight}"
    role="img"
    aria-label="${labelOf(lanes, signal)}"
  >
    ${ticksOf(scale, plot).map(
      (ms) =>
        html`<path class="rule" d="M${x(ms)} ${topHeight}V${bottom}" /><text
            class="tick"
            x="${x(ms)}"
            y="${bottom + 16}"
          >
            ${duration(ms)}
          </text>`,
    )}
    <text class="axis" x="${gutter + plot / 2}" y="${bottom + 35}">since ${signal}</text>
    <path class="signal" d="M${x(0)} ${topHeight - 6}V${bottom}" />
    <text class="flag" x="${x(0)}" y="${topHeight - 10}">${signal}</text>
    ${lanes.map((lane, row) => drawLane(lane, { x, top: topHeight + row * height, head, scale, plot, most, gutter }))}
  </svg>`;
}

interface Place {
  readonly x: (ms: number) => number;
  readonly top: number;
  readonly head: number;
  readonly scale: PictureScale;
  readonly plot: number;
  /** The highest column of all lanes. */
  readonly most: number;
  readonly gutter: number;
}

function drawLane(lane: LagLane, { x, top, head, scale, plot, most, gutter }: Place): Markup {
  const { lagMs, requests, failures, outMs, exitMs } = lane;
  const base = top + head + 62;
  const title = lagMs === undefined ? 'all rolls' : `lag ${duration(lagMs)}`;
  const said =
    failures.length === 0
      ? `none of ${count(requests)} failed`
      : `${count(failures.length)} of ${count(requests)} failed`;
  const kind = failures.length === 0 ? 'good' : 'bad';
  const strip = (toMs: number | undefined, y: number, name: string): Markup =>
    toMs === undefined || x(toMs) <= x(0)
      ? html``
      : html`<rect class="${name}" x="${x(0)}" y="${y}" width="${round(x(toMs) - x(0))}" height="6" rx="2" />`;
  return html`<g>
    <path class="base" d="M${gutter} ${base + 22}H${gutter + plot}" />
    ${
      head === 0
        ? html`<text class="lag" x="0" y="${top + 34}">${title}</text
            ><text class="said ${kind}" x="0" y="${top + 54}">${said}</text>`
        : html`<text class="lag" x="${gutter}" y="${top + 19}">${title}</text
            ><text class="said ${kind} end" x="${gutter + plot}" y="${top + 18}">${said}</text>`
    }
    ${columnsOf(lane, scale, plot).map((stack, column) => drawColumn(stack, x, column, base, most, scale, plot))}
    ${strip(exitMs, base + 3, 'runs')}${strip(outMs, base + 11, 'routed')}
  </g>`;
}

const columnWidth = 7;
const highestColumn = 54;
/** One failure is to be seen. */
const leastHeight = 4;

/** The outcomes of each column, from the left, those of a kind together. */
function columnsOf({ failures }: LagLane, { fromMs, toMs }: PictureScale, plot: number): string[][] {
  const columns = Array.from({ length: Math.floor(plot / columnWidth) }, (): string[] => []);
  for (const { outcome, sinceMs } of failures) {
    const at = Math.floor(((sinceMs - fromMs) / (toMs - fromMs)) * columns.length);
    columns[Math.max(0, Math.min(columns.length - 1, at))]!.push(outcome);
  }
  return columns.map((column) => column.sort());
}

function highest(lane: LagLane, scale: PictureScale, plot: number): number {
  return Math.max(0, ...columnsOf(lane, scale, plot).map(({ length }) => length));
}

function drawColumn(
  stack: readonly string[],
  x: (ms: number) => number,
  column: number,
  base: number,
  most: number,
  { fromMs, toMs }: PictureScale,
  plot: number,
): Markup[] {
  const kinds = [...new Set(stack)];
  const left = x(fromMs + ((toMs - fromMs) * column) / Math.floor(plot / columnWidth));
  let y = base;
  return kinds.map((kind) => {
    const number = stack.filter((each) => each === kind).length;
    const height = Math.max(leastHeight, round((highestColumn * number) / most));
    y = round(y - height);
    return html`<rect
      class="${html`shape-${shapeOf(kind).slot}`} column"
      x="${left}"
      y="${y}"
      width="${columnWidth - 1}"
      height="${height - 0.5}"
      ><title>${count(number)} ${nameOf(kind)}</title></rect
    >`;
  });
}

const steps = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000];

/** Round moments, at most one for every 90 pixels. */
function ticksOf({ toMs }: PictureScale, plot: number): number[] {
  const step = steps.find((each) => (plot * each) / toMs >= 90) ?? 120_000;
  return Array.from({ length: Math.floor(toMs / step) + 1 }, (_, index) => index * step);
}

function labelOf(lanes: readonly LagLane[], signal: string): string {
  const said = lanes.map(({ lagMs, requests, failures }) => {
    const byKind: Record<string, number> = {};
    for (const { outcome } of failures) byKind[outcome] = (byKind[outcome] ?? 0) + 1;
    const how = failures.length === 0 ? '' : ` (${listOfKinds(byKind)})`;
    return `${lagMs === undefined ? 'all rolls' : `lag ${duration(lagMs)}`}: ${count(failures.length)} of ${count(requests)} failed${how}`;
  });
  return `Failures against the time since ${signal}. ${said.join('; ')}.`;
}

function round(value: number): number {
  return Number(value.toFixed(1));
}
