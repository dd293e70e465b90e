import { html, type Content, type Markup } from '../html.js';

export interface Column {
  readonly title: Content;
  /** Numbers are set to the right, so that their digits stand below each other. */
  readonly isNumber?: boolean;
}

/** A table that scrolls by itself where it is wider than the screen; the first cell of a row is its heading. */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly Content[])[]): Markup {
  const kind = (index: number): Content => (columns[index]?.isNumber ? numeric : undefined);
  const head = columns.map(({ title }, index) => html`<th scope="col" ${kind(index)}>${title}</th>`);
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((cell, index) => html`<td${kind(index + 1)}>${cell}</td>`);
    return html`<tr>
      <th scope="row" ${kind(0)}>${first}</th>
      ${cells}
    </tr>`;
  });
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table>
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div> `;
}

const numeric = html` class="n"`;
