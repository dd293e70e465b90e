import { application, isClean, lostText, newLedger, underLoad } from './group.mjs';
import { documentedUnits, install, journal, shown, systemctl } from './tools.mjs';

/** What the template of docs/platforms.md runs here. */
const addition = (framework, ledger, isTold) => `[Service]
Environment='DRAIN_SETTINGS=${JSON.stringify({ fd: 3, framework, ledger })}'
ExecStart=
ExecStart=/usr/bin/env ${isTold ? '' : '-u LISTEN_PID '}node ${application}
`;

async function roll(name, framework, rolls, isTold = true) {
  const ledger = newLedger();
  await install({
    ...documentedUnits('platforms.md'),
    'orders@.service.d/bench.conf': addition(framework, ledger, isTold),
  });
  await systemctl('start', 'orders.socket');
  await systemctl('start', 'orders@1', 'orders@2');
  const times = [];
  const figures = await underLoad(ledger, async () => {
    for (let count = 0; count < rolls; count++) {
      for (const unit of ['orders@1', 'orders@2']) {
        const startedAt = performance.now();
        await systemctl('restart', unit);
        times.push(performance.now() - startedAt);
      }
    }
  });
  const states = await Promise.all(
    ['orders@1', 'orders@2'].map((unit) => shown(unit, 'ActiveState', 'Result', 'NRestarts')),
  );
  const areWell = states.every(({ ActiveState, Result, NRestarts }) =>
    [ActiveState === 'active', Result === 'success', NRestarts === '0'].every(Boolean),
  );
  await systemctl('stop', 'orders.socket', 'orders@1', 'orders@2');
  const cells = [
    name,
    times.length,
    figures.requests,
    lostText(figures),
    figures.notOnce,
    `${figures.failedProbes} of ${figures.probes}`,
    `${figures.longestMs} ms`,
    `${(Math.max(...times) / 1_000).toFixed(1)} s`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
  if (!areWell) console.error(states, await journal('orders@1'), await journal('orders@2'));
  return isTold && !(areWell && isClean(figures));
}

/** Two units on one socket, which are restarted one after the other under load. */
export async function measure(rolls) {
  console.log(
    '\n| two units on one socket | restarts | requests | lost | not once | failed probes | longest | longest restart |\n' +
      '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  );
  const half = Math.ceil(rolls / 2);
  const broken = [
    await roll('Express', 'express', half),
    await roll('Fastify', 'fastify', half),
    await roll('control: the module is not told that it shares the socket', 'express', 1, false),
  ];
  return broken.includes(true);
}
