import { describe, expect, it } from '@jest/globals';
import { calendarTime, count, countOf, duration, instant, percent } from '../../../../src/drill/report/format.js';
import { html, json } from '../../../../src/drill/report/html.js';
import { meaningOf, nameOf, outcomes, phraseOf } from '../../../../src/drill/outcomes.js';
import { icon, shapeOf } from '../../../../src/drill/report/shapes.js';

const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

describe('Numbers in a report', () => {
  it.each([
    [0, '0 ms'],
    [0.44, '0.4 ms'],
    [9.96, '10 ms'],
    [38.4, '38 ms'],
    [999.6, '1 s'],
    [1_240, '1.24 s'],
    [59_960, '1 min'],
    [125_000, '2 min 5 s'],
    [-40, '-40 ms'],
    [NaN, '–'],
    [undefined, '–'],
  ])('says %p ms as a duration: %s', (ms, text) => {
    expect(plain(duration(ms))).toBe(text);
  });

  it('keeps a number and its unit together', () => {
    expect([count(60_000), countOf(1, 'request'), countOf(0, 'request')].map(plain)).toEqual([
      '60,000',
      '1 request',
      '0 requests',
    ]);
    expect([percent(0.00075), percent(0.0213), percent(0), percent(NaN)].map(plain)).toEqual([
      '0.075 %',
      '2.1 %',
      '0 %',
      '–',
    ]);
    expect(plain(instant(3_214.4))).toBe('3.214 s');
    expect(calendarTime('2026-03-02T09:30:00.000Z')).toBe('2 Mar 2026, 09:30 UTC');
  });
});

describe('html', () => {
  it('escapes what is put into it, and nothing twice', () => {
    expect(html`<p title="${'"&'}">${html`<b>${'<'}</b>`}${[1, ' ', undefined]}</p>`.text).toBe(
      '<p title="&#34;&#38;"><b>&#60;</b>1 </p>',
    );
  });

  it('writes data that ends no script', () => {
    expect(json({ text: '</script><!--' }).text).toBe('{"text":"\\u003c/script>\\u003c!--"}');
  });
});

describe('The shapes of outcomes', () => {
  const kinds = Object.keys(outcomes);

  it('differ in shape, and in colour', () => {
    expect(new Set(kinds.map((kind) => shapeOf(kind).path)).size).toBe(kinds.length);
    expect(new Set(kinds.map((kind) => shapeOf(kind).slot)).size).toBe(kinds.length);
  });

  it('have a name, and failures a meaning', () => {
    expect(nameOf('status-503')).toBe('status 503');
    expect(phraseOf('status-503')).toBe('answered 503');
    for (const kind of kinds)
      expect([nameOf(kind), meaningOf(kind)]).toEqual([expect.any(String), expect.stringMatching(/\.$/)]);
  });

  it.each(['constructor', '__proto__', 'toString'])('take %s for a kind that is not known', (kind) => {
    expect(shapeOf(kind)).toBe(shapeOf('other'));
    expect([nameOf(kind), phraseOf(kind), meaningOf(kind)]).toEqual([kind, kind, '']);
    expect(icon(kind).text).toContain('shape-other');
  });
});
