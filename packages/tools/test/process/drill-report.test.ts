import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { htmlReport } from '../../src/drill/report/index.js';
import { losslessResult, lossyResult } from '../unit/drill/report/fixtures.js';

const executablePath = '/usr/bin/chromium';
/** Not committed: the reports, and what they look like. */
const artefacts = resolve('temp/drill-report');
const wide = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };
const results = {
  lossy: lossyResult(),
  lossless: losslessResult(),
  long: lossyResult({ requests: 60_000 }),
  compared: losslessResult(),
};
const before = { ...lossyResult(), about: { node: '24.1.0', title: 'without nestjs-drain' } };
type Name = keyof typeof results;

const hasBrowser = existsSync(executablePath);
if (!hasBrowser && process.env.REQUIRE_BROWSER === '1') throw new Error(`Expected a browser at ${executablePath}.`);
if (!hasBrowser) console.warn(`Skipped: there is no ${executablePath}. Install chromium; REQUIRE_BROWSER=1 insists.`);

(hasBrowser ? describe : describe.skip)('The report of a drill in a browser', () => {
  let browser: Browser;
  let complaints: string[];
  let requested: string[];

  beforeAll(async () => {
    mkdirSync(artefacts, { recursive: true });
    for (const [name, result] of Object.entries(results)) {
      writeFileSync(fileOf(name), htmlReport(result, name === 'compared' ? { before } : {}));
    }
    const off = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'];
    browser = await chromium.launch({
      executablePath,
      args: ['--headless', '--no-sandbox', '--no-first-run', ...off.map((each) => `--disable-${each}`)],
    });
  });

  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(complaints).toEqual([]);
    expect(requested.filter((url) => !url.startsWith('file:'))).toEqual([]);
    expect(requested).toHaveLength(1);
  });

  afterAll(() => browser?.close());

  /** Opens it as a reader does: from disk, and here without a network. */
  async function open(name: Name, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: wide, offline: true, ...options });
    complaints = [];
    requested = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('request', (request) => requested.push(request.url()));
    await page.goto(pathToFileURL(fileOf(name)).href);
    await page.waitForSelector('html[data-charts="drawn"]');
    return page;
  }

  it.each(
    (['lossy', 'lossless', 'long', 'compared'] as const).flatMap((name) =>
      (
        [
          ['wide', wide],
          ['phone', phone],
        ] as const
      ).flatMap(([size, viewport]) =>
        (['light', 'dark'] as const).map((colorScheme) => ({ name, size, viewport, colorScheme })),
      ),
    ),
  )('looks as it should: $name, $size, $colorScheme', async ({ name, size, viewport, colorScheme }) => {
    const page = await open(name, { viewport, colorScheme, deviceScaleFactor: size === 'phone' ? 2 : 1 });
    await unfold(page);
    await page.screenshot({ path: join(artefacts, `${name}-${size}-${colorScheme}.png`), fullPage: true });
    for (const kind of ['ok', ...(name === 'lossless' || name === 'compared' ? [] : ['reset', 'refused'])]) {
      expect(await pixelsOf(page.locator('.plot.dots canvas').first(), kind)).toBeGreaterThan(20);
    }
    for (const band of ['band-serving', 'band-ready', 'band-in-rotation']) {
      expect(await pixelsOf(page.locator('.plot.lanes canvas').first(), band)).toBeGreaterThan(500);
    }
  });

  it.each([360, 390, 768])('needs no sideways scrolling at %i pixels', async (width) => {
    const page = await open('lossy', { viewport: { width, height: 800 } });
    for (const details of await page.locator('details').all())
      await details.evaluate((each) => each.setAttribute('open', ''));
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  it('names every chart for a screen reader', async () => {
    const page = await open('lossy');
    expect(await page.getByRole('img', { name: /^Latency of 2,000\srequests over 10\ss: \d+ failed$/ }).count()).toBe(
      2,
    );
    expect(await page.getByRole('img', { name: /^What 6\sreplicas did over the same 10\ss/ }).count()).toBe(2);
    expect(await page.getByRole('main').count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1, name: /^85 of 4,000\s+requests lost$/ }).count()).toBe(1);
    expect(await page.getByRole('table', { name: 'Lag 500 ms, round 1: requests over time' }).count()).toBe(0);
    await page.getByText('The chart as a table').last().click();
    expect(await page.getByRole('table', { name: 'Lag 500 ms, round 1: requests over time' }).count()).toBe(1);
  });

  it.each(['lossy', 'compared', 'long'] as const)('fits on four pages of paper: %s', async (name) => {
    const page = await open(name);
    const pdf = await page.pdf({ format: 'A4' });
    const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)!.length;
    expect([1, 2, 3, 4]).toContain(pages);
  });

  it('draws the picture without a script', async () => {
    const page = await open('compared');
    expect(await page.getByRole('img', { name: /^Failures against the time since SIGTERM/ }).count()).toBe(2);
  });

  it('tells what happened one after the other to the arrow keys', async () => {
    const page = await open('lossy');
    const chart = page.locator('.roll').first();
    await chart.locator('.plots').focus();
    await page.keyboard.press('ArrowRight');
    expect(await chart.getByRole('status').textContent()).toMatch(/^api-1: SIGTERM; at 1\.\d+\ss$/);
    expect(await chart.locator('.tip').isVisible()).toBe(true);
    await page.keyboard.press('ArrowRight');
    expect(await chart.getByRole('status').textContent()).toMatch(/^(api-1: exit 0|connection)/);
    await page.keyboard.press('Escape');
    expect(await chart.locator('.tip').isVisible()).toBe(false);
  });

  it('tells what is under the mouse, and what a finger taps', async () => {
    const page = await open('lossy', { hasTouch: true });
    const lanes = page.locator('.plot.lanes .u-over').first();
    await lanes.hover({ position: { x: 40, y: 20 } });
    expect(await page.locator('.tip').first().textContent()).toMatch(/^api-1at 0\.\d+\ss: serving, ready, in rotation/);
    await page.mouse.move(0, 0);
    expect(await page.locator('.tip').first().isVisible()).toBe(false);
    await lanes.tap({ position: { x: 40, y: 70 } });
    expect(await page.locator('.tip').first().textContent()).toMatch(/^api-2/);
  });

  it('looks closer at one stop, in both panels, and back', async () => {
    const page = await open('lossy');
    const chart = page.locator('.roll').first();
    const pictures = async (): Promise<string[]> =>
      Promise.all(['.dots', '.lanes'].map(async (panel) => pictureOf(chart.locator(`${panel} canvas`))));
    const whole = await pictures();
    await chart.getByRole('button', { name: 'api-2 stops' }).click();
    await settled(page);
    const closer = await pictures();
    closer.forEach((picture, panel) => expect(picture).not.toBe(whole[panel]));
    await chart.getByRole('button', { name: 'Whole roll' }).click();
    await settled(page);
    expect(await pictures()).toEqual(whole);
  });

  it('follows the scheme of the system while it is open', async () => {
    const page = await open('lossy', { colorScheme: 'light' });
    const canvas = page.locator('.plot.dots canvas').first();
    const light = await pictureOf(canvas);
    await page.emulateMedia({ colorScheme: 'dark' });
    await settled(page);
    expect(await pictureOf(canvas)).not.toBe(light);
    expect(await pixelsOf(canvas, 'reset')).toBeGreaterThan(20);
  });

  it('follows the width of the window', async () => {
    const page = await open('lossy');
    await page.setViewportSize(phone);
    await settled(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(phone.width);
  });

  it('has text that stands out from its ground in both schemes', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open('lossy', { colorScheme });
      for (const [ink, paper] of [
        ...['ink', 'muted', 'accent', 'bad'].flatMap((each) => [
          [each, 'paper'],
          [each, 'ground'],
        ]),
        ['good', 'good-soft'],
        ['bad', 'bad-soft'],
        ...['serving', 'pre-stop', 'lame-duck', 'draining', 'releasing', 'stopping', 'closed'].map((each) => [
          'band-ink',
          `band-${each}`,
        ]),
      ] as const) {
        expect([ink, paper, colorScheme, (await contrast(page, ink, paper)) >= 4.5]).toEqual([
          ink,
          paper,
          colorScheme,
          true,
        ]);
      }
      for (const mark of [
        'reset',
        'refused',
        'cut-short',
        'timed-out',
        'wrong-length',
        'malformed',
        'status',
        'other',
        'ok',
      ]) {
        expect([mark, colorScheme, (await contrast(page, mark, 'paper')) >= 3]).toEqual([mark, colorScheme, true]);
      }
    }
  });
});

function fileOf(name: string): string {
  return join(artefacts, `${name}.html`);
}

/** Shows what is folded: a timeline is drawn as wide as it is seen. */
async function unfold(page: Page): Promise<void> {
  for (const details of await page.locator('details.clean').all())
    await details.evaluate((each) => each.setAttribute('open', ''));
  await settled(page);
}

/** Two frames: the first draws, and the second has seen it. */
async function settled(page: Page): Promise<void> {
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
}

/** As much of a canvas as is asked here: the package is compiled without the types of a browser. */
interface Canvas {
  readonly width: number;
  readonly height: number;
  toDataURL(): string;
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
  };
}

async function pictureOf(canvas: Locator): Promise<string> {
  return canvas.evaluate((element) => (element as unknown as Canvas).toDataURL());
}

/** How many pixels of a canvas have about the colour that the stylesheet gives a name. */
async function pixelsOf(canvas: Locator, name: string): Promise<number> {
  return canvas.evaluate(
    (element, wanted) => {
      const { width, height } = element as unknown as Canvas;
      const { data } = (element as unknown as Canvas).getContext('2d').getImageData(0, 0, width, height);
      let found = 0;
      for (let at = 0; at < data.length; at += 4) {
        const isVisible = (data[at + 3] ?? 0) > 80;
        if (isVisible && wanted.every((value, channel) => Math.abs(value - (data[at + channel] ?? 0)) < 16)) found++;
      }
      return found;
    },
    await colour(canvas.page(), name),
  );
}

/** Red, green and blue, 0 to 255. */
async function colour(page: Page, name: string): Promise<number[]> {
  const hex: string = await page.evaluate(`getComputedStyle(document.documentElement).getPropertyValue('--${name}')`);
  return [1, 3, 5].map((at) => Number.parseInt(hex.trim().slice(at, at + 2), 16));
}

/** As WCAG defines it. */
async function contrast(page: Page, ink: string, paper: string): Promise<number> {
  const luminance = async (name: string): Promise<number> => {
    const [red = 0, green = 0, blue = 0] = (await colour(page, name)).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark = 0, light = 0] = [await luminance(ink), await luminance(paper)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
