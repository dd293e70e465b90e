import { describe, expect, it } from '@jest/globals';
import { readReportAssets } from '../../../../src/drill/report/assets.js';
import { htmlReport } from '../../../../src/drill/report/index.js';
import { type DrillResult, type Roll } from '../../../../src/drill/result.js';
import { losslessResult, lossyResult } from './fixtures.js';

const assets = readReportAssets();
const report = (result: DrillResult): string => htmlReport(result, { assets });
/** What a reader gets, without the scripts, the style and the comments. */
const contentOf = (html: string): string =>
  html.replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, '');
const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, group]) => group ?? '');
const kilobytes = (html: string): number => Buffer.byteLength(html) / 1_000;

describe('htmlReport', () => {
  it('begins with the verdict, in words', () => {
    const lossy = contentOf(report(lossyResult()));
    const failed = lossyResult().totals.failed;
    expect(matches(lossy, /<h1>(.*?)<\/h1>/g)).toEqual([`${failed} of 4,000\u00a0requests lost`]);
    expect(lossy).toContain(`<p class="lead">${lossyResult().verdict}</p>`);
    expect(matches(contentOf(report(losslessResult())), /<h1>(.*?)<\/h1>/g)).toEqual(['Nothing lost']);
  });

  it('says the numbers that matter, with their units', () => {
    const values = matches(contentOf(report(losslessResult())), /<dd class="value">(.*?)<\/dd>/g);
    expect(values).toEqual(['4,000', '0', '0.075\u00a0%', expect.stringMatching(/^\d+\u00a0ms$/)]);
  });

  it('heads what was drilled, and how', () => {
    const result = lossyResult();
    const head = contentOf(report({ ...result, about: { ...result.about, title: 'A bad day' } }));
    const words = 'orders\u00a01.4.0|200\u00a0requests a second|kubernetes|commit\u00a03f2a9c1|Nest\u00a012.5.1';
    for (const each of ['A bad day', ...words.split('|')]) expect(head).toContain(`>${each}</span>`);
  });

  it('draws every failure in the picture, at its time since the signal', () => {
    const svg = /<svg\s+class="wide"[\s\S]*?<\/svg>/.exec(report(lossyResult()))![0];
    const drawn = matches(svg, /<title>([\d,]+) /g).map(Number);
    expect(drawn.reduce((sum, number) => sum + number, 0)).toBe(lossyResult().totals.failed);
    expect(report(losslessResult())).not.toMatch(/class="shape-\w+ column"/);
  });

  it('folds the rolls in which nothing failed', () => {
    expect(contentOf(report(losslessResult())).match(/<details class="clean">/g)).toHaveLength(2);
    expect(contentOf(report(lossyResult()))).not.toContain('<details class="clean">');
  });

  it('puts an earlier result beside this one', () => {
    const before = { ...lossyResult(), about: { node: '24.1.0', title: 'without' } };
    const now = { ...losslessResult(), about: { node: '24.1.0', title: 'with' } };
    const html = contentOf(htmlReport(now, { before, assets }));
    expect(matches(html, /<div class="side (\w+)">/g)).toEqual(['bad', 'good']);
    expect(matches(html, /<p class="failed"><strong>(\d+)<\/strong>/g)).toEqual([`${before.totals.failed}`, '0']);
    expect(html).toMatch(/<th scope="col"\s+class="n">without<\/th>\s*<th scope="col"\s+class="n">with<\/th>/);
    // On one scale: the same ticks.
    const pictures = html
      .match(/<svg\s+class="half"[\s\S]*?<\/svg>/g)!
      .map((svg) => matches(svg, /class="tick"\s+x="([\d.]+)"/g));
    expect(pictures[0]).toEqual(pictures[1]);
  });

  it('gives each advice with its code, its finding and its fix', () => {
    const html = contentOf(report(lossyResult()));
    for (const { code, finding, fix } of lossyResult().advice) {
      expect(html).toContain(`<code>${code}</code>`);
      expect(html).toContain(finding);
      expect(html).toContain(fix);
    }
  });

  it('is the same for the same result', () => {
    expect(report(lossyResult({ seed: 7 }))).toBe(report(lossyResult({ seed: 7 })));
  });

  it('skips no level of headings', () => {
    const levels = matches(contentOf(report(lossyResult())), /<h([1-6])/g).map(Number);
    expect(levels[0]).toBe(1);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    levels.forEach((level, index) => expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1));
  });

  it('has a language, a title, landmarks, and no identifier twice', () => {
    const html = report(lossyResult());
    expect(html).toMatch(/^<!doctype html>\s*<html lang="en">/);
    for (const each of ['<title>', '<main', '<header', '<footer>']) expect(html).toContain(each);
    const ids = matches(contentOf(html), / id="([^"]*)"/g);
    expect(new Set(ids).size).toBe(ids.length);
    for (const labelled of matches(html, /aria-labelledby="([^"]*)"/g)) expect(ids).toContain(labelled);
  });

  it('says in words and in tables what each chart shows', () => {
    const result = lossyResult();
    const html = contentOf(report(result));
    const charts = matches(html, /role="img"\s*aria-label="([^"]*)"/g);
    // The picture is there twice: as it is seen on a wide page, and on a narrow one.
    expect(charts).toHaveLength(2 + 2 * result.rolls.length);
    expect(charts[0]).toMatch(
      /^Failures against the time since SIGTERM\. lag 0\u00a0ms: 10 of 2,000 failed \(.* refused/,
    );
    expect(charts[2]).toBe('Latency of 2,000\u00a0requests over 10\u00a0s: 10 failed');
    expect(matches(html, /<summary>(The chart as a table)<\/summary>/g)).toHaveLength(result.rolls.length);
  });

  it('lists the failures with their moment relative to the signal', () => {
    expect(contentOf(report(lossyResult()))).toMatch(/\d+\u00a0ms after SIGTERM/);
  });

  it('asks for nothing from outside, and forbids it', () => {
    const html = report(lossyResult());
    expect(matches(html, /<(?:script|img|link|iframe|object|embed)[^>]*\s(src|href|data)=/g)).toEqual([]);
    expect(html).not.toMatch(/@import|url\(/);
    expect(matches(contentOf(html), /(https?:)/g)).toEqual([]);
    expect(html).toContain(`content="default-src &#39;none&#39;; script-src &#39;sha256-`);
    expect(html).not.toContain('unsafe-inline');
  });

  it('carries the licence of the charting library', () => {
    expect(report(losslessResult())).toContain('Copyright (c) 2022 Leon Sorokin');
  });

  it('contains no emoji', () => {
    expect(contentOf(report(lossyResult()))).not.toMatch(/\p{Emoji_Presentation}/u);
  });
});

describe('htmlReport of a long drill', () => {
  it.each([
    ['lossless', losslessResult({ requests: 60_000 })],
    ['lossy', lossyResult({ requests: 60_000 })],
    ['lossy, rolled 12 times', repeated(lossyResult({ requests: 10_000 }), 6)],
    ['failed altogether', allFailed(lossyResult({ requests: 60_000 }))],
    ['talkative', talkative(lossyResult({ requests: 60_000 }))],
  ])('is below 300 kB: %s', (_, result) => {
    expect(kilobytes(report(result))).toBeLessThan(300);
  });

  it('says how many dots are drawn', () => {
    const said = matches(contentOf(report(lossyResult({ requests: 60_000 }))), /(Drawn: [^<]*)/g);
    expect(said[0]?.trim()).toMatch(
      /^Drawn: 2,\d{3} of 29,\d{3} answered requests \(one of every 14, and the slowest\), and every failure \(\d+\)\.$/,
    );
  });
});

describe('htmlReport of a hostile result', () => {
  const hostile = `</script></style><img src=x onerror="alert(1)">'"--><!--&lt;\u0000\u2028`;
  const html = report(poisoned(lossyResult({ requests: 400 }), hostile));

  it('adds no element and no attribute', () => {
    const clean = report(lossyResult({ requests: 400 }));
    const tags = (text: string): string[] => matches(text, /<(\/?[a-z][a-z0-9]*)/g).sort();
    expect(new Set(tags(contentOf(html)))).toEqual(new Set(tags(contentOf(clean))));
    expect(html).not.toContain('<img');
    expect(matches(html, /<(script)/g)).toHaveLength(matches(clean, /<(script)/g).length);
    const attributes = (text: string): Set<string> => new Set(matches(text, /\s([a-z-]+)="/g));
    expect(attributes(contentOf(html))).toEqual(attributes(contentOf(clean)));
  });

  it('keeps the text as it was', () => {
    expect(contentOf(html)).toContain(
      '&#60;img src=x onerror=&#34;alert(1)&#34;&#62;&#39;&#34;--&#62;&#60;!--&#38;lt;',
    );
  });

  it('keeps the data of the charts whole', () => {
    const data = matches(html, /<script type="application\/json"[^>]*>([\s\S]*?)<\/script>/g).map(
      (text) => JSON.parse(text) as { signal: string },
    );
    expect(data.map(({ signal }) => signal)).toEqual([hostile, hostile]);
  });
});

describe('htmlReport of almost nothing', () => {
  it('is still a page', () => {
    const result = losslessResult({ requests: 4 });
    const empty = { dueAtMs: [], latencyMs: [], outcome: [], replica: [], request: [], outcomes: [] };
    const rolls = result.rolls.map((roll) => ({ ...roll, replicas: [], samples: empty }));
    const html = contentOf(report({ ...result, startedAt: 'not a time', rolls }));
    expect(html).toContain('not a time');
    expect(html).not.toMatch(/NaN|Infinity|undefined|Invalid/);
    expect(contentOf(report({ ...result, rolls: [] }))).not.toMatch(/NaN|Infinity|undefined|Invalid/);
  });
});

function repeated(result: DrillResult, times: number): DrillResult {
  const rolls = Array.from({ length: times }, (_, round) =>
    result.rolls.map((roll) => ({ ...roll, round: round + 1 })),
  );
  return { ...result, rolls: rolls.flat() };
}

function allFailed(result: DrillResult): DrillResult {
  const fail = (roll: Roll): Roll => ({
    ...roll,
    samples: { ...roll.samples, outcome: roll.samples.outcome.map((_, index) => 1 + (index % 3)) },
  });
  return { ...result, rolls: result.rolls.map(fail), totals: { ...result.totals, failed: result.totals.requests } };
}

function talkative(result: DrillResult): DrillResult {
  const output = 'a line that says little\n'.repeat(10_000);
  const talk = (roll: Roll): Roll => ({ ...roll, replicas: roll.replicas.map((replica) => ({ ...replica, output })) });
  return { ...result, rolls: result.rolls.map(talk) };
}

/** The result with every string replaced, but for the outcome `ok`, which is an agreed word. */
function poisoned(result: DrillResult, poison: string): DrillResult {
  const change = (value: unknown): unknown => {
    if (typeof value === 'string') return value === 'ok' ? value : poison;
    if (Array.isArray(value)) return value.map(change);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(each)]));
  };
  const { totals } = result;
  return { ...(change(result) as DrillResult), totals: { ...totals, failuresByKind: { [poison]: totals.failed } } };
}
