import { chownSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Checks } from './checks.mjs';
import { application, isClean, lostText, newLedger, port, underLoad } from './group.mjs';
import { documentedUnits, install, journal, run, sampleUnits, shown, systemctl, until } from './tools.mjs';

const unit = 'orders.service';
const home = '/srv/orders';

const releases = {
  1: `import('${application}');\n`,
  2: `import('${application}');\n`,
  crashing: `throw new Error('a crash at the start');\n`,
  unready: `require('node:http').createServer((_, response) => response.writeHead(503).end()).listen(${port}, '127.0.0.1');\n`,
};

/** Releases as a deployment leaves them, each with what is in its node_modules/.bin. */
function makeReleases() {
  for (const [name, text] of Object.entries(releases)) {
    mkdirSync(`${home}/${name}/dist`, { recursive: true });
    mkdirSync(`${home}/${name}/node_modules/.bin`, { recursive: true });
    writeFileSync(`${home}/${name}/dist/main.js`, text);
    symlinkSync('/srv/repository/bin/nestjs-drain.mjs', `${home}/${name}/node_modules/.bin/nestjs-drain`);
  }
  // The user `orders` of the units.
  chownSync(home, 4242, 4242);
}

function pointTo(release) {
  symlinkSync(release, `${home}/next`);
  renameSync(`${home}/next`, `${home}/current`);
}

/** The pids of a unit. */
function processesOf(name) {
  const folder = `/sys/fs/cgroup/system.slice/${name}`;
  try {
    return readFileSync(`${folder}/cgroup.procs`, 'utf8').trim().split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/** What a roll came to. */
function told(figures, times) {
  return [
    `${figures.requests} requests, ${lostText(figures)} lost, ${figures.notOnce} not once`,
    `${figures.failedProbes} of ${figures.probes} probes failed`,
    `longest ${figures.longestMs} ms`,
    ...(times.length > 0 ? [`each ${(Math.max(...times) / 1_000).toFixed(1)} s at most`] : []),
  ].join('; ');
}

/** Resolves when the group serves again, and its old workers have gone. */
async function killSupervisor(ledger) {
  const old = processesOf(unit);
  let againMs;
  const figures = await underLoad(ledger, async () => {
    const { NRestarts } = await shown(unit, 'NRestarts');
    const killedAt = performance.now();
    await systemctl('kill', '--kill-who=main', '--signal=KILL', unit);
    await until(async () => {
      const state = await shown(unit, 'SubState', 'NRestarts');
      return state.SubState === 'running' && Number(state.NRestarts) === Number(NRestarts) + 1;
    });
    againMs = performance.now() - killedAt;
    await until(() => old.every((pid) => !processesOf(unit).includes(pid)));
  });
  return { ...figures, againMs };
}

async function timed(times, work) {
  const startedAt = performance.now();
  await work();
  times.push(performance.now() - startedAt);
}

/** Installs a pair of units as it stands somewhere, and starts it. */
async function start(units, ledger) {
  pointTo('1');
  // What the application of the process suite is told besides.
  const settings = JSON.stringify({ port, ledger, framework: 'fastify' });
  await install({ ...units, [`${unit}.d/bench.conf`]: `[Service]\nEnvironment='DRAIN_SETTINGS=${settings}'\n` });
  await systemctl('start', 'orders.socket');
  await systemctl('start', unit);
}

/** The two pairs of units that are given to users, as they stand there. */
export async function measure(rolls) {
  makeReleases();
  const broken = [await measureDocumented(rolls), await measureSample()];
  return broken.includes(true);
}

async function measureSample() {
  const checks = new Checks('`nestjs-drain serve`, the units of sample/process-group');
  const ledger = newLedger();
  await start(sampleUnits('process-group', ['orders.socket', unit]), ledger);
  const figures = await underLoad(ledger, async () => {
    await systemctl('restart', unit);
    await systemctl('reload', unit);
  });
  checks.add('`systemctl restart`, and `reload`', told(figures, []), isClean(figures));
  await systemctl('stop', 'orders.socket', unit);
  const { Result } = await shown(unit, 'Result');
  checks.add('`systemctl stop`', `${Result}, ${processesOf(unit).length} processes left`, Result === 'success');
  return checks.areBroken;
}

async function measureDocumented(rolls) {
  const checks = new Checks('`nestjs-drain serve`, the units of docs/process-groups.md');
  const ledger = newLedger();
  await start(documentedUnits('process-groups.md'), ledger);
  const first = await until(async () => {
    const state = await shown(unit, 'StatusText', 'SubState');
    return state.StatusText !== '' && state;
  });
  checks.add(
    '`systemctl start`',
    `${first.SubState}, "${first.StatusText}"`,
    /^serving, version 1/.test(first.StatusText),
  );

  const restarts = [];
  const restarted = await underLoad(ledger, async () => {
    for (let count = 0; count < rolls; count++) await timed(restarts, () => systemctl('restart', unit));
  });
  checks.add(`\`systemctl restart\`, ${rolls} times`, told(restarted, restarts), isClean(restarted));

  const reloads = [];
  const reloaded = await underLoad(ledger, async () => {
    for (let count = 0; count < rolls; count++) {
      pointTo(count % 2 === 0 ? '2' : '1');
      await timed(reloads, () => systemctl('reload', unit));
    }
  });
  const { SubState, NRestarts } = await shown(unit, 'SubState', 'NRestarts');
  checks.add(
    `\`systemctl reload\`, ${rolls} times`,
    told(reloaded, reloads),
    isClean(reloaded) && SubState === 'running' && NRestarts === '0',
  );

  for (const bad of ['crashing', 'unready']) {
    const before = await shown(unit, 'MainPID');
    let outcome;
    const kept = await underLoad(ledger, async () => {
      pointTo(bad);
      outcome = await run('systemctl', 'reload', unit);
      await sleep(1_000);
    });
    const state = await shown(unit, 'SubState', 'StatusText', 'MainPID');
    checks.add(
      `\`systemctl reload\` of a version that is ${bad}`,
      `exit code ${outcome.code}; ${state.SubState}, "${state.StatusText}"; ${told(kept, [])}`,
      outcome.code !== 0 && state.SubState === 'running' && state.MainPID === before.MainPID && isClean(kept),
    );
    pointTo('1');
  }

  pointTo('crashing');
  await run('systemctl', 'restart', unit);
  const waiting = fetch(`http://127.0.0.1:${port}/orders`).then(
    ({ status }) => status,
    ({ cause }) => cause.code,
  );
  await sleep(15_000);
  const { NRestarts: tries } = await shown(unit, 'NRestarts');
  pointTo('1');
  const answer = await waiting;
  checks.add(
    '`systemctl restart` of a version that crashes for 15 s',
    `${tries} tries; who came first was answered ${answer} when it was mended`,
    answer === 200 && Number(tries) > 2,
  );
  await until(async () => (await shown(unit, 'SubState')).SubState === 'running');

  const killed = await killSupervisor(ledger);
  const again = (killed.againMs / 1_000).toFixed(1);
  checks.add('SIGKILL of the supervisor', `${told(killed, [])}; serves again after ${again} s`, isClean(killed));
  await install({ [`${unit}.d/mixed.conf`]: '[Service]\nKillMode=mixed\n' });
  checks.add('the same, `KillMode=mixed`: a control', told(await killSupervisor(ledger), []), true);

  await systemctl('stop', 'orders.socket', unit);
  const { Result } = await shown(unit, 'Result');
  checks.add('`systemctl stop`', `${Result}, ${processesOf(unit).length} processes left`, Result === 'success');
  if (checks.areBroken) console.error(await journal(unit));
  return checks.areBroken;
}
