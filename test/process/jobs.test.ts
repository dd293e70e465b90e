import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { build, Child, endAll } from './support/child.js';

const kindsOf = {
  schedule: ['cron', 'interval', 'added cron', 'added interval'],
  events: ['listener', 'async listener', 'second listener'],
  cqrs: ['event handler', 'scoped event handler', 'command'],
} as const;
type Source = keyof typeof kindsOf;
const sources = Object.keys(kindsOf) as Source[];

/** What became of its work: pieces that were cut, that met a closed database, and that began late. */
function figuresOf(child: Child, kinds: readonly string[]) {
  const told = (event: string) => child.told.filter((each) => each.event === event && kinds.includes(each.kind));
  const ended = new Set(told('ended').map(({ n }) => n as number));
  const drainingAt = child.told.find(({ event }) => event === 'draining')?.at as number | undefined;
  return {
    cut: told('begun').filter(({ n }) => !ended.has(n as number)).length,
    afterDestroy: [...told('begun'), ...told('ended')].filter(({ isOpen }) => !isOpen).length,
    begunLate: told('begun').filter(({ at }) => at > (drainingAt ?? Infinity)).length,
  };
}

/** Many times what the longest work takes. */
const drainTimeoutMs = 15_000;
const ways = ['SIGTERM', 'app.close()'] as const;

async function roll(source: Source, drain: number | false, by: (typeof ways)[number] = 'SIGTERM'): Promise<Child> {
  const child = await Child.start('jobs', { drain, sources: [source] });
  for (const kind of kindsOf[source]) await child.until('ended', (told) => told.kind === kind);
  if (by === 'SIGTERM') child.signal('SIGTERM');
  else child.say('close');
  await child.ended;
  return child;
}

beforeAll(build);
afterEach(endAll);

describe('An application whose work comes from schedulers, events and commands', () => {
  it.each(sources)('loses some of it without the module (%s)', async (source) => {
    const child = await roll(source, false);
    const { cut, afterDestroy } = figuresOf(child, kindsOf[source]);
    expect(cut + afterDestroy).toBeGreaterThan(0);
  });

  const cells = sources.flatMap((source) => ways.map((by) => [source, by] as const));
  it.each(cells)('ends all of it before anything is destroyed (%s, %s)', async (source, by) => {
    const child = await roll(source, drainTimeoutMs, by);
    const report = await child.report();
    expect(figuresOf(child, kindsOf[source])).toMatchObject({ cut: 0, afterDestroy: 0 });
    expect(report).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(report.inFlight.atSignal).toBeGreaterThan(0);
    // Nothing begins any more: it does not last until the drain deadline.
    if (by === 'SIGTERM') expect((await child.ended).ms).toBeLessThan(drainTimeoutMs);
  });

  it('starts no timer once it drains', async () => {
    const child = await roll('schedule', drainTimeoutMs);
    expect(figuresOf(child, [...kindsOf.schedule, 'timeout'])).toEqual({ cut: 0, afterDestroy: 0, begunLate: 0 });
  });

  it('handles what work in flight sends while it drains', async () => {
    const child = await roll('events', drainTimeoutMs);
    expect(figuresOf(child, ['second listener']).begunLate).toBeGreaterThan(0);
  });

  it('names at the deadline what still runs', async () => {
    const workMs = 20_000;
    const child = await Child.start('jobs', { drain: 400, sources, workMs });
    const kinds = ['interval', 'added interval', 'listener', 'event handler', 'scoped event handler', 'command'];
    for (const kind of kinds) await child.until('begun', (told) => told.kind === kind);
    child.signal('SIGTERM');
    const { outcome, leftovers } = await child.report();
    expect(outcome).toBe('timed-out');
    const named = new Set(leftovers.map(({ kind, name }) => `${kind} ${name}`));
    for (const name of [
      'cron Schedules.interval',
      'cron added-interval',
      'event order.placed',
      'event PlacedHandler.handle',
      'event ScopedHandler.handle',
      'command ShipOrder',
    ]) {
      expect(named).toContain(name);
    }
    expect((await child.ended).ms).toBeLessThan(workMs);
  });
});
