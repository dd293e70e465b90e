/** How soon the drain, and the process, ends. */
import { Application } from './application.mjs';
import { Connection } from './client.mjs';
import { median } from './statistics.mjs';

/** How long the last request goes on after the close call or the signal. */
const heldMs = 100;
/** Nothing is waited for longer: a peer that has not ended by then is as good as hanging. */
const waitMs = 20_000;
const settleMs = 100;

/** The request that is in flight: its head unsent when the shutdown begins, or sent. */
export const endings = [
  { name: 'held', path: '/held', title: 'answered after the shutdown began' },
  { name: 'begun', path: '/begun', title: 'head sent before it' },
];

/**
 * Last response → drain promise, → process exit after SIGTERM, and SIGTERM → exit of an idle application: medians, ms.
 */
export async function measureEnds({ framework, variants, packageEntry, repeats, slowRepeats, progress }) {
  const rows = [];
  for (const { name, path } of endings) {
    for (const variant of variants) {
      progress(`Last response (${name}) → end, ${variant}`);
      const setup = { framework, variant, packageEntry };
      // The peers spend seconds in doing nothing, and can do that side by side.
      const isOurs = variant === 'routes' || variant === 'interceptor';
      const [times, count] = isOurs ? [inTurn, repeats] : [atOnce, slowRepeats];
      const drains = await times(count, () => lastResponseToDrain(setup, path));
      const exits = await times(count, () => lastResponseToExit(setup, path));
      rows.push({
        ending: name,
        variant,
        drainMs: median(drains.map(({ drainMs }) => drainMs ?? Infinity)),
        closeMs: median(drains.map(({ closeMs }) => closeMs ?? Infinity)),
        exitMs: median(exits),
        repeats: count,
      });
    }
  }
  return rows;
}

export async function measureIdleExit({ framework, variants, packageEntry, repeats, progress }) {
  const times = new Map(variants.map((variant) => [variant, []]));
  for (let i = 0; i < repeats; i++) {
    progress(`Idle SIGTERM → exit, ${i + 1} of ${repeats}`);
    for (const [variant, each] of times) each.push(await signalToExit({ framework, variant, packageEntry }));
  }
  return [...times].map(([variant, each]) => ({
    variant,
    exitMs: median(each),
    slowestMs: Math.max(...each),
    repeats,
  }));
}

async function lastResponseToDrain(setup, path) {
  const application = await Application.start({ ...setup, env: { BENCH_KNOWS_RESPONSES: '1' } });
  const connection = await Connection.open(application.port, path);
  connection.send();
  await application.ask('arrived');
  const result = await application.ask('closeHeld', heldMs, waitMs);
  await application.kill();
  return result;
}

async function lastResponseToExit(setup, path) {
  const application = await Application.start(setup);
  const connection = await Connection.open(application.port, path);
  const answered = connection.answer();
  connection.send();
  await application.ask('arrived');
  application.signal('SIGTERM');
  await sleep(heldMs);
  // It may exit before it has told that it did as it was told.
  application.ask('release').catch(() => undefined);
  return (await exitOf(application)) - (await answered);
}

async function signalToExit(setup) {
  const application = await Application.start(setup);
  await sleep(settleMs);
  const signalledAt = application.signal('SIGTERM');
  return (await exitOf(application)) - signalledAt;
}

async function exitOf(application) {
  const timer = setTimeout(() => void application.kill(), waitMs);
  const { at } = await application.exited;
  clearTimeout(timer);
  return at;
}

async function inTurn(count, measure) {
  const results = [];
  for (let i = 0; i < count; i++) results.push(await measure());
  return results;
}

function atOnce(count, measure) {
  return Promise.all(Array.from({ length: count }, measure));
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
