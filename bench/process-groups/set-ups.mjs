/**
 * The set-ups of `bench/process-groups.mjs`: who runs four processes on one port, and how they are replaced. Each is
 * started with `{ node, folder, settings }`, and resolves with a group: its `port`, how it is rolled (once each time;
 * with the time in ms where it is not that of the call), how it ends, and what its processes have printed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importTypeScript } from '../../scripts/import-typescript.mjs';
import { Cluster, reloadServed, Running, serveCommand } from './running.mjs';

const { freePort } = await importTypeScript('packages/tools/src/drill/free-port.ts');
const { bindOnly } = await importTypeScript('src/serve/insides.ts');
const { allServe } = await importTypeScript('test/process/support/group-load.ts');
const { Pm2 } = await importTypeScript('test/process/support/pm2.ts');

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const application = file('../../test/process/apps/group-worker.mjs');
const unit = file('unit.mjs');
const ready = ['--ready', '/health/ready'];

const served = (balance) => async (given) => {
  const { node, folder } = given;
  const settings = { ...given.settings, port: await freePort() };
  const control = join(folder, 'control');
  const group = new Running(serveCommand(node, { balance, control, options: ready, script: application }), settings);
  await group.says('workers serve');
  return {
    port: settings.port,
    roll: () => reloadServed(node, control),
    end: () => group.stop(),
    output: () => group.output,
  };
};

/** Four successors are started, and then the four old workers ended side by side: one after the other takes 47 s. */
const clustered = (scheduling, wayOut) => async (given) => {
  const settings = { ...given.settings, port: await freePort(), scheduling, wayOut, isTogether: true };
  const group = new Cluster(given.node, settings);
  await group.starts();
  let rolls = 0;
  return {
    port: settings.port,
    roll: () => group.roll(++rolls),
    end: () => group.stop(),
    output: () => group.output,
  };
};

/** PM2 replaces two at a time. */
const underPm2 = (options) => async (given) => {
  const { folder } = given;
  const settings = { ...given.settings, port: await freePort() };
  const pm2 = new Pm2(folder, settings, { script: application, ...options });
  await pm2.start();
  await allServe(settings.port, 4);
  const logs = () => {
    const names = readdirSync(join(folder, 'logs')).map((name) => join('logs', name));
    return [...names, 'pm2.log'].map((name) => readFileSync(join(folder, name), 'utf8'));
  };
  return {
    port: settings.port,
    roll: async () => void (await pm2.reload()),
    end: async () => void (await pm2.kill()),
    output: () => logs().join(''),
    hasWarned: () => logs().some((log) => /WARN.*gracePeriodMs/.test(log)),
  };
};

/**
 * A socket that is kept, as that of a socket unit, and handed over to two units, which are restarted one after the
 * other.
 */
const units = (commandOf) => async (given) => {
  const socket = bindOnly('127.0.0.1', await freePort(), 4);
  const address = {};
  socket.getsockname(address);
  const { port } = address;
  const start = async (place) => {
    const { command, settings, says } = commandOf({ ...given, port, place });
    // As systemd does, which knows the process before it runs. What is meant for another is not taken.
    const pid = given.settings.isBlind ? '1' : '$$';
    const activated = ['sh', '-c', `LISTEN_FDS=1 LISTEN_PID=${pid} exec "$0" "$@"`, ...command];
    const running = new Running(activated, { ...given.settings, ...settings }, socket);
    await running.says(says);
    return running;
  };
  const both = [await start(0), await start(1)];
  let output = '';
  return {
    port,
    async roll() {
      for (const [place, old] of [...both].entries()) {
        await old.stop();
        output += old.output;
        both[place] = await start(place);
      }
    },
    async end() {
      await Promise.all(both.map((each) => each.stop()));
      socket.close();
    },
    output: () => output + both.map((each) => each.output).join(''),
  };
};

const unitsOfOne = units(({ node }) => ({ command: [node, unit], settings: { fd: 3 }, says: 'serves' }));
const unitsOfServe = units(({ node, folder, port, place }) => ({
  command: serveCommand(node, {
    workers: 2,
    balance: 'round-robin',
    control: join(folder, `control-${place}`),
    options: ready,
    script: application,
  }),
  settings: { port },
  says: 'workers serve',
}));

/**
 * `control`: whether there is one, with a module that does not learn that it shares the socket. A worker that is
 * disconnected without it never ends while clients keep its connections busy.
 */
export const setUps = [
  { name: 'serve, round robin', start: served('round-robin') },
  { name: 'serve, shared accept', start: served('shared') },
  { name: 'PM2, kill_timeout 30 s', start: underPm2({ kill_timeout: 30_000 }), control: true },
  { name: 'PM2, its own 1.6 s', start: underPm2({}), control: true },
  { name: 'cluster, round robin, SIGTERM', start: clustered('round robin', 'SIGTERM'), control: true },
  { name: 'cluster, round robin, disconnect()', start: clustered('round robin', 'disconnect()') },
  { name: 'cluster, SCHED_NONE, SIGTERM', start: clustered('none', 'SIGTERM'), control: true },
  { name: 'cluster, SCHED_NONE, disconnect()', start: clustered('none', 'disconnect()') },
  { name: 'two units, a process each', start: unitsOfOne, control: true },
  { name: 'two units of serve, two workers each', start: unitsOfServe },
];
