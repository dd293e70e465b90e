import { bandName, processStates } from '../bands.js';
import { html, type Markup } from '../html.js';
import { type Lane } from '../lanes.js';

/** What the bands of these lanes mean, strip by strip from top to bottom. */
export function bandKey(lanes: readonly Lane[]): Markup {
  const seen = new Set(lanes.flatMap(({ process }) => process.map(({ state }) => state)));
  const process = processStates.filter((state) => seen.has(state));
  const strips = [process, ['ready', 'not-ready'], ['in-rotation', 'leaving', 'out']];
  return html`<ul class="bands">
    ${strips.map((states) => html`<li>${states.map(entry)}</li>`)}
  </ul>`;
}

/** The stylesheet draws them; two that could be taken for each other differ in pattern, not in colour alone. */
function entry(state: string): Markup {
  return html`<span><i class="swatch band-${state}"></i>${bandName(state)}</span> `;
}
