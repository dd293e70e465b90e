import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { apps, endCommands, runCommand, runDrill, shortRoll } from '../../drill/support/run-drill.js';
import { StandInUnit } from '../../drill/support/stand-in-unit.js';
import { build } from '../../../../../test/process/support/child.js';
import { temporaryFolder } from '../../../../../test/support/temporary-folder.js';

const faulty = ['node', `${apps}/faulty.mjs`];
const cluster = `${apps}/cluster.mjs`;
const reload = ['--rate=80', '--warm-up=500ms', '--cool-down=1s', '--ready=/'];
/** Two workers are replaced, one after the other. */
const shortGrace = ['--grace=15s'];

beforeAll(build);
afterAll(endCommands);

describe('nestjs-drain drill --reload', () => {
  it('measures a group of processes: its workers are drawn as replicas are', async () => {
    const args = ['--reload=cluster', ...reload, ...shortGrace, '--', 'node', cluster];
    const { code, result, codes } = await runDrill(args);
    expect({ code, failures: result.failures, codes }).toEqual({ code: 0, failures: [], codes: [] });
    const [{ replicas, lagMs }] = result.rolls as [(typeof result.rolls)[number]];
    expect(lagMs).toBeUndefined();
    expect(replicas.map(({ name }) => name)).toEqual(['worker-1', 'worker-2', 'worker-3', 'worker-4']);
    const stopped = replicas.filter(({ exitedAtMs }) => exitedAtMs !== undefined);
    expect(stopped.map(({ name, exitCode }) => [name, exitCode])).toEqual([
      ['worker-1', 0],
      ['worker-2', 0],
    ]);
    for (const { signalledAtMs, exitedAtMs } of stopped) expect(exitedAtMs! - signalledAtMs!).toBeGreaterThan(1_000);
    expect(replicas.every(({ answered = 0 }) => answered > 10)).toBe(true);
  });

  it('counts one that had started when the reload was ordered, and listens only then, among the old', async () => {
    const args = ['--reload=cluster', ...reload, ...shortGrace, '--', 'node', cluster, 'gracefully', '900'];
    const { code, result } = await runDrill(args);
    expect({ code, failures: result.failures }).toEqual({ code: 0, failures: [] });
    const [{ replicas }] = result.rolls as [(typeof result.rolls)[number]];
    // Numbers go by who is heard of first: the late one of the old, or one of the new.
    const inOrder = [...replicas].sort((a, b) => a.startedAtMs - b.startedAtMs);
    expect(inOrder.map(({ exitedAtMs }) => exitedAtMs !== undefined)).toEqual([true, true, false, false]);
    expect(replicas.map(({ name }) => name)).toEqual(['worker-1', 'worker-2', 'worker-3', 'worker-4']);
    expect(replicas[0]!.exitedAtMs).toBeDefined();
  });

  it('finds out that a reload loses requests', async () => {
    const { code, result } = await runDrill(['--reload=cluster', ...reload, '--', 'node', cluster, 'at-once']);
    expect(code).toBe(1);
    expect(result.totals.failed).toBeGreaterThan(0);
    expect(result.verdict).toMatch(/^Requests are lost: /);
  });

  it('knows PM2', async () => {
    const path = `${resolve('node_modules/.bin')}:${process.env.PATH}`;
    const args = ['--reload=pm2', '--replicas=2', ...reload, '--', `${apps}/pm2-worker.mjs`];
    // By default PM2 kills what has not ended after 1.6 s, and waits 3 s for a successor to listen.
    const patience = { PM2_KILL_TIMEOUT: '15000', PM2_GRACEFUL_LISTEN_TIMEOUT: '15000' };
    const { code, result } = await runDrill(args, { env: { PATH: path, ...patience } });
    expect({ code, failures: result.failures }).toEqual({ code: 0, failures: [] });
    const stopped = result.rolls[0]!.replicas.filter(({ exitedAtMs }) => exitedAtMs !== undefined);
    expect(stopped).toHaveLength(2);
    expect(result.settings.preset).toBe('pm2');
  });

  it('knows systemd: a unit has an environment of its own, and is given what the drill needs', async () => {
    const unit = new StandInUnit(['node', cluster]);
    try {
      const args = ['--reload=systemd', ...reload, ...shortGrace, '--', 'orders'];
      const { code, result } = await runDrill(args, { env: unit.env });
      expect({ code, failures: result.failures }).toEqual({ code: 0, failures: [] });
      const stopped = result.rolls[0]!.replicas.filter(({ exitedAtMs }) => exitedAtMs !== undefined);
      expect(stopped).toHaveLength(2);
      expect(unit.addition).toBe('');
      unit.becomes('active');
      const again = await runCommand(['drill', ...args], { env: unit.env });
      expect(again.stderr).toMatch(/^nestjs-drain drill: orders\.service is active, and the drill would end it: .*\n$/);
      expect(again.code).toBe(2);
    } finally {
      unit.remove();
    }
  });

  it('says in a line what is wrong with a reload that fails, or a group that does not start', async () => {
    const failing = await runCommand([
      'drill',
      '--reload=echo no such group; exit 3',
      ...reload,
      '--',
      'node',
      cluster,
    ]);
    expect(failing.code).toBe(2);
    expect(failing.stderr).toMatch(/^nestjs-drain drill: 'echo .*' ended with exit code 3; it said: no such group\n$/);
    expect(failing.stdout).toMatch(/\nPartial, since it could not go on: /);
    const missing = await runCommand(['drill', '--reload=cluster', '--', 'no-such-command']);
    expect(missing.stderr).toMatch(/^nestjs-drain drill: 'no-such-command' cannot be run: .*ENOENT\.\n$/);
    expect(missing.code).toBe(2);
  });
});

describe('nestjs-drain drill --script', () => {
  const args = (...more: readonly string[]) => [
    ...shortRoll,
    `--script=${apps}/orders-script.mjs`,
    ...more,
    '--',
    'node',
    `${apps}/unique.mjs`,
  ];

  it('logs in, sends bodies that are unique, and checks answers', async () => {
    const { code, result } = await runDrill(args());
    expect({ code, failures: result.failures }).toEqual({ code: 0, failures: [] });
    expect(result.settings.requests).toEqual([{ name: 'POST /orders', share: 1 }]);
  });

  it('finds an answer that is another’s, and --max-loss allows some', async () => {
    const { code, result } = await runDrill(args('--max-loss=5%'), { env: { LIES: '1' } });
    expect(Object.keys(result.totals.failuresByKind)).toEqual(['wrong-body']);
    expect({ code, lostNothing: result.lostNothing }).toEqual({ code: 0, lostNothing: false });
    expect(result.verdict).toMatch(/--max-loss allows 5 %/);
  });
});

describe('nestjs-drain drill', () => {
  it('fails when answers are slower than --max-p99 allows', async () => {
    const { code, result } = await runDrill([...shortRoll, '--max-p99=0.1ms', '--', 'node', `${apps}/faulty.mjs`]);
    expect({ code, failed: result.totals.failed }).toEqual({ code: 1, failed: 0 });
    expect(result.verdict).toMatch(/^No request was lost, but p99 in rolls is /);
  });

  it('concludes nothing from a few requests, and exits with 3', async () => {
    const { code, result } = await runDrill([...shortRoll, '--rate=4', '--', 'node', `${apps}/faulty.mjs`]);
    expect({ code, conclusion: result.conclusion }).toEqual({ code: 3, conclusion: 'not-known' });
    expect(result.verdict).toMatch(/^Too little to say anything: \d+ requests in a roll are too few/);
  });

  it('stands beside an earlier one, says its rate, and names what was drilled', async () => {
    const folder = temporaryFolder();
    const [before, html] = [join(folder, 'before.json'), join(folder, 'drill.html')];
    const first = await runCommand(['drill', '--json', '--title=without', ...shortRoll, '--', ...faulty, 'no-handler']);
    writeFileSync(before, first.stdout);
    const args = ['--title=with', `--compare=${before}`, `--html=${html}`, ...shortRoll, '--', ...faulty];
    const { code, stdout } = await runCommand(['drill', ...args]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n {10,}without {2,}with\n {2}requests /);
    expect(stdout).toMatch(/\n {2}failed {2,}\d+ \([\d.]+ %\) {2,}0 \(0 %\)\n/);
    expect(stdout).toMatch(/\n {2}requests {6}[\d,]+, 80 a second for /);
    expect(stdout).toMatch(/\n {2}answered by {3}4 replicas, \d+ to \d+ each\n/);
    const page = readFileSync(html, 'utf8');
    for (const said of ['<h3>without</h3>', '<h3>with</h3>', '<span class="title">with</span>', 'kubernetes'])
      expect(page).toContain(said);
    expect(JSON.parse(first.stdout).about).toMatchObject({ title: 'without', service: 'nestjs-drain' });
  });

  it.each([
    ['no-such-file.json', /no-such-file\.json cannot be read \(ENOENT\): give a file that --json has written/],
    ['package.json', /package\.json holds no result of this version of the drill/],
  ])('compares itself with nothing but a result: %s', async (file, line) => {
    const { code, stderr } = await runCommand(['drill', `--compare=${file}`, '--', ...faulty]);
    expect(stderr).toMatch(line);
    expect(code).toBe(2);
  });

  it.each([
    ['dash', ['npm-as-pid-1']],
    ['bash', []],
  ] as const)('has npm use the shell of the image: %s', async (shell, expected) => {
    const args = [...shortRoll, `--shell=${shell}`, '--', 'npm', 'start', '--silent'];
    const { codes } = await runDrill(args, { cwd: `${apps}/npm` });
    expect(codes).toEqual(expected);
  });
});
