import { html, Markup } from './html.js';
import { kindOf, type OutcomeKind } from '../outcomes.js';
import { type Outcome } from '../result.js';

/**
 * How an outcome is drawn, in the chart and in words beside it: no two have the same shape, so that colour is never
 * needed to tell them apart. All `status-…` share one. A shape is an SVG path in a square of −1 to 1; the stylesheet
 * has its colour as `--<slot>`.
 */
export interface Shape {
  readonly slot: string;
  readonly path: string;
  /** Drawn as lines, not filled. */
  readonly isOpen: boolean;
}

const filled = (slot: string, path: string): Shape => ({ slot, path, isOpen: false });

const shapes = {
  ok: filled('ok', 'M0.6 0A0.6 0.6 0 1 1 -0.6 0A0.6 0.6 0 1 1 0.6 0Z'),
  reset: { slot: 'reset', path: 'M-0.8 -0.8L0.8 0.8M-0.8 0.8L0.8 -0.8', isOpen: true },
  refused: filled('refused', 'M0 -0.95L0.95 0.75L-0.95 0.75Z'),
  'cut-short': filled('cut-short', 'M0 0.95L0.95 -0.75L-0.95 -0.75Z'),
  'timed-out': filled('timed-out', 'M-0.78 -0.78H0.78V0.78H-0.78Z'),
  'wrong-length': { slot: 'wrong-length', path: 'M0 -1V1M-1 0H1', isOpen: true },
  'wrong-body': { slot: 'wrong-body', path: 'M-0.9 -0.45H0.9M-0.9 0.45H0.9', isOpen: true },
  malformed: filled('malformed', 'M0 -1L0.95 -0.31L0.59 0.81L-0.59 0.81L-0.95 -0.31Z'),
  twice: filled(
    'twice',
    'M-0.1 0A0.45 0.45 0 1 1 -1 0A0.45 0.45 0 1 1 -0.1 0ZM1 0A0.45 0.45 0 1 1 0.1 0A0.45 0.45 0 1 1 1 0Z',
  ),
  lost: { slot: 'lost', path: 'M0.8 0A0.8 0.8 0 1 1 -0.8 0A0.8 0.8 0 1 1 0.8 0Z', isOpen: true },
  error: { slot: 'error', path: 'M0 -1.05V0.3M0 0.75V1.05', isOpen: true },
  'bad-close': { slot: 'bad-close', path: 'M-0.8 -0.8V0.8H0.8V-0.8', isOpen: true },
  status: filled('status', 'M0 -1.1L0.9 0L0 1.1L-0.9 0Z'),
  other: filled('other', 'M0 -1.1L0.28 -0.28L1.1 0L0.28 0.28L0 1.1L-0.28 0.28L-1.1 0L-0.28 -0.28Z'),
} satisfies Readonly<Record<OutcomeKind, Shape>>;

export function shapeOf(outcome: Outcome): Shape {
  return shapes[kindOf(outcome) ?? 'other'];
}

/** The mark beside its name; hidden from screen readers, which read the name. */
export function icon(outcome: Outcome): Markup {
  const { slot, path } = shapeOf(outcome);
  const kind = new Markup(`shape shape-${slot}`);
  return html`<svg class="${kind}" viewBox="-1.3 -1.3 2.6 2.6" aria-hidden="true"><path d="${path}" /></svg>`;
}
