import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
// Not published: the drill that rolls replicas belongs to the repository.
import { Replica, type ReplicaExit, TcpBalancer } from '../../../packages/tools/dist/esm/drill/index.js';
import { allGoOn, cards, readAll } from './support/page.js';

const executablePath = '/usr/bin/chromium';
const sample = fileURLToPath(new URL('..', import.meta.url));
const artefacts = fileURLToPath(new URL('artefacts', import.meta.url));
const readinessPath = '/health/ready';
const wide = { width: 1180, height: 440 };
const phone = { width: 390, height: 950 };
/** A person notices numbers that stand still for longer. */
const noticedMs = 2_000;

const hasBrowser = existsSync(executablePath);
if (!hasBrowser && process.env.REQUIRE_BROWSER === '1') throw new Error(`Expected a browser at ${executablePath}.`);
if (!hasBrowser) console.warn(`Skipped: there is no ${executablePath}. Install chromium; REQUIRE_BROWSER=1 insists.`);

(hasBrowser ? describe : describe.skip)('The live page in a browser', () => {
  const running = new Set<Replica>();
  let browser: Browser;
  let balancer: TcpBalancer;
  let page: Page;
  let errors: string[];
  let started: number;

  beforeAll(async () => {
    mkdirSync(artefacts, { recursive: true });
    const off = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'];
    browser = await chromium.launch({
      executablePath,
      args: ['--headless', '--no-sandbox', '--no-first-run', ...off.map((each) => `--disable-${each}`)],
    });
  });

  beforeEach(async () => {
    started = 0;
    errors = [];
    balancer = await TcpBalancer.listen({ readinessPath, lagMs: 500 });
    page = await browser.newPage({ viewport: wide });
    page.on('pageerror', (error) => errors.push(error.message));
  });

  afterEach(async () => {
    await page.close();
    await Promise.all([...running].map((replica) => replica.stop('SIGKILL')));
    running.clear();
    await balancer.close();
  });

  afterAll(() => browser?.close());

  /** Starts a replica, and resolves when the balancer sends connections to it. */
  async function takeIn(main: string): Promise<Replica> {
    const name = `replica ${++started}`;
    const env = { REPLICA: name, KUBERNETES_SERVICE_HOST: '127.0.0.1', NODE_ENV: 'production' };
    const replica = await Replica.start({ name, args: [main], cwd: sample, readinessPath, env });
    running.add(replica);
    await balancer.add(replica);
    await balancer.whenInRotation(replica);
    return replica;
  }

  /** Opens the page, and replaces both replicas under it, one after the other. */
  async function roll(
    main: string,
    graceMs: number,
    stepped?: (name: string) => Promise<unknown>,
  ): Promise<ReplicaExit[]> {
    const first = [await takeIn(main), await takeIn(main)];
    await page.goto(balancer.url);
    await allGoOn(page);
    await stepped?.('before');
    const exits: ReplicaExit[] = [];
    for (const [at, old] of first.entries()) {
      await takeIn(main);
      exits.push(await old.stop('SIGTERM', graceMs));
      await balancer.remove(old);
      await allGoOn(page);
      await stepped?.(at === 0 ? 'during' : 'after');
    }
    return exits;
  }

  const shoot = (name: string) => page.screenshot({ path: `${artefacts}/${name}.png` });

  it('goes on, without a gap and unnoticed, while both replicas behind it are replaced', async () => {
    const exits = await roll('dist/main.js', 30_000, shoot);
    const seen = await readAll(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await shoot('after-dark');
    await page.setViewportSize(phone);
    await shoot('after-phone');
    console.log('With nestjs-drain:', seen, exits);

    for (const card of cards) {
      expect(seen[card]).toMatchObject({ state: 'connected', gaps: 0, doubles: 0 });
      expect(seen[card].reconnects).toBeGreaterThanOrEqual(1);
      expect(seen[card].longestMs).toBeLessThan(noticedMs);
    }
    expect(errors).toEqual([]);
    for (const exit of exits) expect(exit).toMatchObject({ signal: 'SIGTERM', killed: false });
  }, 120_000);

  it('stands still for a while without the module, and its replicas have to be killed', async () => {
    const exits = await roll('dist/without-drain/main.js', 4_000);
    const seen = await readAll(page);
    console.log('Without nestjs-drain:', seen, exits);
    expect(Math.max(...cards.map((card) => seen[card].longestMs))).toBeGreaterThanOrEqual(noticedMs);
    expect(exits.some(({ killed }) => killed)).toBe(true);
  }, 120_000);
});
