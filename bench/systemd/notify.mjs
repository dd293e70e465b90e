import { setTimeout as sleep } from 'node:timers/promises';
import { Checks } from './checks.mjs';
import { install, journal, run, shown, systemctl, until } from './tools.mjs';

const port = 3000;
const unit = 'orders.service';
const ask = (path) =>
  fetch(`http://127.0.0.1:${port}/${path}`).then(
    ({ status }) => status,
    ({ message }) => message,
  );

/** A unit of Type=notify, with these lines of its own, whose module has these options. */
async function unitOf(options, lines = '', user = 'User=orders\nNotifyAccess=all') {
  const settings = JSON.stringify({ port, options });
  await install({
    [unit]: `[Service]
Type=notify
${user}
Environment=NODE_ENV=production
Environment='BENCH_SETTINGS=${settings}'
ExecStart=/usr/bin/env node /srv/repository/bench/systemd/application.mjs
KillMode=mixed
${lines}
`,
  });
}

/** Starts the unit, and stops it while a request of so many ms is held. */
async function stopWithWork(ms) {
  await systemctl('start', unit);
  const answer = ask(`hold/${ms}`);
  // It has arrived.
  await sleep(300);
  const startedAt = performance.now();
  const stopping = systemctl('stop', unit);
  const seen = await until(async () => {
    const state = await shown(unit, 'SubState', 'StatusText');
    return state.StatusText.includes('draining') && state;
  });
  await stopping;
  const stopMs = performance.now() - startedAt;
  return { seen, answer: await answer, stopMs, ...(await shown(unit, 'Result')) };
}

/** What the module has said of its time, in the last run. */
async function graceSaid() {
  return [...(await journal(unit)).matchAll(/A shutdown may take (.*?)\. gracePeriodMs/g)].at(-1)?.[1] ?? 'nothing';
}

const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;

/** `Type=notify` of one application with the module. */
export async function measure() {
  const checks = new Checks('`Type=notify`');

  await unitOf(10_000, 'WatchdogSec=1\nRestart=on-failure\nRestartSec=100ms\nTimeoutStopSec=30');
  const startedAt = performance.now();
  await systemctl('start', unit);
  const startMs = performance.now() - startedAt;
  const first = await ask('hold/0');
  const { StatusText } = await until(async () => {
    const state = await shown(unit, 'StatusText');
    return state.StatusText !== '' && state;
  });
  checks.add(
    '`systemctl start` waits for `READY=1`: an application that listens after 1 s',
    `${seconds(startMs)}, then ${first}, status "${StatusText}"`,
    startMs > 1_000 && first === 200 && StatusText === 'serving',
  );
  await sleep(5_000);
  const alive = await shown(unit, 'NRestarts', 'ActiveState');
  checks.add(
    '`WATCHDOG=1`: 5 s with `WatchdogSec=1`',
    `${alive.ActiveState}, ${alive.NRestarts} restarts`,
    alive.ActiveState === 'active' && alive.NRestarts === '0',
  );
  const hungAt = performance.now();
  void ask('hang');
  const restarted = await until(async () => {
    const state = await shown(unit, 'NRestarts', 'ActiveState');
    return state.NRestarts === '1' && state.ActiveState === 'active' && state;
  });
  const restartMs = performance.now() - hungAt;
  const ended = /Failed with result '(.*)'/.exec(await journal(unit))?.[1];
  checks.add(
    'the same, an event loop that hangs, `TimeoutStopSec=30`',
    `${ended}; restarted after ${seconds(restartMs)}`,
    restarted.NRestarts === '1' && ended === 'watchdog' && restartMs < 10_000,
  );
  await systemctl('stop', unit);

  await unitOf(20_000, 'TimeoutStopSec=30');
  const worked = await stopWithWork(3_000);
  checks.add(
    '`STOPPING=1` and `STATUS`: stopped with a request of 3 s in hand',
    `${worked.seen.SubState}, "${worked.seen.StatusText}"; answer ${worked.answer}, ${worked.Result}`,
    worked.seen.SubState === 'stop-sigterm' &&
      worked.seen.StatusText === 'draining, 1 in flight' &&
      [worked.answer, worked.Result].join() === '200,success',
  );

  await unitOf({ drainTimeoutMs: 15_000, gracePeriodMs: 20_000 }, 'TimeoutStopSec=3');
  const extended = await stopWithWork(10_000);
  checks.add(
    '`EXTEND_TIMEOUT_USEC`: a request of 10 s, `TimeoutStopSec=3`, `gracePeriodMs: 20_000`',
    `answer ${extended.answer} after ${seconds(extended.stopMs)}, ${extended.Result}`,
    [extended.answer, extended.Result].join() === '200,success',
  );

  await unitOf({ drainTimeoutMs: 60_000 }, 'TimeoutStopSec=7');
  const asked = await stopWithWork(40_000);
  const said = await graceSaid();
  checks.add(
    "`gracePeriodMs: 'auto'`, `TimeoutStopSec=7`, a request of 40 s",
    `"${said}"; ended after ${seconds(asked.stopMs)}, ${asked.Result}`,
    said.includes('7000 ms') && said.includes('TimeoutStopSec of the unit') && asked.stopMs < 7_000,
  );

  await unitOf(10_000, 'TimeoutStopSec=infinity');
  await systemctl('start', unit);
  const endless = await graceSaid();
  checks.add('the same, `TimeoutStopSec=infinity`', `"${endless}"`, endless.includes('90000 ms'));
  await systemctl('stop', unit);

  await systemctl('stop', 'dbus.socket', 'dbus.service');
  await unitOf(10_000, 'TimeoutStopSec=7');
  await systemctl('start', unit);
  const unanswered = await graceSaid();
  checks.add('the same without D-Bus, `TimeoutStopSec=7`', `"${unanswered}"`, unanswered.includes('30000 ms'));
  await systemctl('stop', unit);
  await systemctl('start', 'dbus.socket');

  for (const [who, user, isHeard] of [
    ['a user, `NotifyAccess=main`', 'User=orders\nNotifyAccess=main', false],
    ['root, `NotifyAccess=main`', 'NotifyAccess=main', true],
    ['root, `NotifyAccess=all`', 'NotifyAccess=all', true],
  ]) {
    await unitOf(10_000, 'TimeoutStartSec=5', user);
    const { code } = await run('systemctl', 'start', unit);
    const { Result } = await shown(unit, 'Result');
    checks.add(`heard: ${who}`, code === 0 ? 'yes' : `no: ${Result}`, (code === 0) === isHeard);
    await run('systemctl', 'stop', unit);
    await run('systemctl', 'reset-failed', unit);
  }
  return checks.areBroken;
}
