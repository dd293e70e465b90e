/** Text that is markup already. Everything else is escaped where it meets markup. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Content = Markup | string | number | undefined | readonly Content[];

/**
 * A template of markup: what is put into it is escaped, unless it is markup itself. Attributes must stand in double
 * quotes. The indentation of the template is left out.
 */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  const parts = strings.map((each) => each.replace(/\n\s+/g, '\n'));
  return new Markup(parts.reduce((text, each, index) => text + render(contents[index - 1]) + each));
}

/** Safe between tags and in a quoted attribute. Control characters, which HTML forbids, become U+FFFD. */
export function escape(text: string): string {
  return text.replace(forbidden, '\ufffd').replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Data for a `<script type="application/json">`: it cannot end the element, nor begin a comment in it. */
export function json(data: unknown): Markup {
  return new Markup(JSON.stringify(data).replace(/</g, '\\u003c'));
}

/** A script or a style of the page's own, byte for byte, as its hash in the page's policy wants it. */
export function element(name: 'script' | 'style', text: string): Markup {
  return new Markup(`<${name}>${text}</${name}>\n`);
}

/** Text of an HTML comment: nothing in it ends the comment. */
export function comment(text: string): Markup {
  return new Markup(`<!--\n${text.trim().replace(/--|[<>]/g, ' ')}\n-->`);
}

const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

function render(content: Content): string {
  if (content === undefined) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(render).join('');
  return escape(String(content));
}
