import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRequire } from 'node:module';
import { apps, endCommands, runDrill, shortRoll, Turns } from '../../drill/support/run-drill.js';
import { build } from '../../../../../test/process/support/child.js';

const requests = ['--request=GET / weight=4', '--request=GET /slow'];
const npm = 'npm start, which keeps the signal for itself';
const terminator = 'a server with http-terminator';

type Drill = readonly [what: string, args: readonly string[], cwd?: string];

const drills: readonly Drill[] = [
  ['the module, as the README says', ['--', 'node', `${apps}/nest.mjs`, 'with']],
  ['Nest without the module', [...requests, '--grace=2500ms', '--', 'node', `${apps}/nest.mjs`, 'without']],
  ['bare Express', ['--', 'node', `${apps}/express.mjs`]],
  ['Fastify that closes on the signal', ['--', 'node', `${apps}/fastify.mjs`]],
  [terminator, ['--', 'node', `${apps}/http-terminator.mjs`]],
  ['the module, and nobody who watches readiness', ['--preset=ecs', '--', 'node', `${apps}/nest.mjs`, 'not-watched']],
  ['the module, with a drain that is too short', [...requests, '--', 'node', `${apps}/nest.mjs`, 'short-drain']],
  [npm, ['--', 'npm', 'start', '--silent'], `${apps}/npm`],
];

function canResolve(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

describe('The verdict on', () => {
  const found = new Map<string, ReturnType<typeof runDrill>>();

  beforeAll(async () => {
    await build();
    const turns = new Turns(2);
    for (const [what, args, cwd] of drills) {
      const drilled = turns.take(() => runDrill([...shortRoll, ...args], { cwd }));
      drilled.catch(() => undefined);
      found.set(what, drilled);
    }
  });
  afterAll(endCommands);

  it('the module, as the README says: nothing is lost', async () => {
    const { code, result, codes } = await found.get('the module, as the README says')!;
    expect({ code, codes, failures: result.failures }).toEqual({ code: 0, codes: [], failures: [] });
    expect(result.verdict).toMatch(/^Nothing is lost: none of [\d,]+ requests failed in 2 shutdowns/);
    const stopped = result.rolls[0]!.replicas.filter(({ exitedAtMs }) => exitedAtMs !== undefined);
    expect(stopped).toHaveLength(2);
    // What the application says of itself is seen from outside.
    for (const { phases, report } of stopped) {
      expect(phases.map(({ phase }) => phase)).toEqual(['lame-duck', 'draining', 'releasing', 'closed']);
      expect(report).toMatchObject({ outcome: 'drained', clean: true });
    }
  });

  it('Nest without the module: errors of a closed database, and a listener that closes too early', async () => {
    const { code, result, codes } = await found.get('Nest without the module')!;
    expect(code).toBe(1);
    expect(codes).toEqual(expect.arrayContaining(['5xx-during-shutdown', 'listener-closed-before-traffic-left']));
    expect(result.totals.failuresByKind).toMatchObject({ 'status-500': expect.any(Number) });
  });

  it('bare Express: nothing listens for the signal', async () => {
    const { code, codes } = await found.get('bare Express')!;
    expect({ code, codes }).toEqual({ code: 1, codes: ['no-signal-handler'] });
  });

  it('Fastify that closes on the signal: the listener closes before traffic has left', async () => {
    const { code, codes } = await found.get('Fastify that closes on the signal')!;
    expect(code).toBe(1);
    expect(codes[0]).toBe('listener-closed-before-traffic-left');
  });

  (canResolve('http-terminator') ? it : it.skip)(
    `${terminator}: the listener closes before traffic has left`,
    async () => {
      const { code, codes } = await found.get(terminator)!;
      expect(code).toBe(1);
      expect(codes[0]).toBe('listener-closed-before-traffic-left');
    },
  );

  it('the module, and nobody who watches readiness: there is no lame duck', async () => {
    const { code, result, codes } = await found.get('the module, and nobody who watches readiness')!;
    expect(code).toBe(1);
    expect(codes[0]).toBe('readiness-not-watched');
    expect(result.advice[0]!.fix).toMatch(/ReadinessHealthIndicator/);
  });

  it('the module, with a drain that is too short: the report names what was left', async () => {
    const { code, result, codes } = await found.get('the module, with a drain that is too short')!;
    expect({ code, codes }).toEqual({ code: 1, codes: ['drain-too-short', 'failed-exit'] });
    expect(result.advice[0]!.finding).toMatch(/its reports name \d+ leftovers? \(.*GET \/slow/);
  });

  it(`${npm}: Node is never told`, async () => {
    const { code, result, codes } = await found.get(npm)!;
    expect({ code, codes }).toEqual({ code: 1, codes: ['npm-as-pid-1'] });
    expect(result.advice[0]!.finding).toMatch(/^SIGTERM went to npm, which did not pass it on/);
  });
});
