import { html, type Markup } from '../html.js';
import { type Advice, type DrillResult } from '../../result.js';

/** What to change, the gravest first. */
export function advice({ advice, lostNothing }: DrillResult): Markup {
  const body =
    advice.length > 0
      ? html`<ol class="advice">
          ${advice.map(one)}
        </ol>`
      : html`<p>
          ${lostNothing ? 'Nothing to change.' : 'Nothing that this drill knows explains what was lost. The timelines below say when.'}
        </p>`;
  return html`<section aria-labelledby="advice">
    <h2 id="advice">What to change</h2>
    ${body}
  </section> `;
}

function one({ code, finding, fix }: Advice): Markup {
  return html`<li>
    <h3>${finding}</h3>
    <p>${fix}</p>
    <p class="code"><code>${code}</code></p>
  </li> `;
}
