import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { Checks } from './checks.mjs';
import { application, newLedger } from './group.mjs';
import { documentedUnits, install, run, systemctl } from './tools.mjs';

/** The user `orders`. */
const uid = 4242;
const home = '/srv/orders';
const runtime = `/run/user/${uid}`;

/** The service manager of a user, as logind would start it. */
const userManager = `[Service]
Type=notify
User=%i
Environment=XDG_RUNTIME_DIR=/run/user/%i
ExecStart=/lib/systemd/systemd --user
Slice=user-%i.slice
Delegate=pids memory
KillMode=mixed
`;

function asUser(...command) {
  const who = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups'];
  return run(
    'setpriv',
    ...who,
    'env',
    '-C',
    '/srv/repository',
    `XDG_RUNTIME_DIR=${runtime}`,
    `HOME=${home}`,
    ...command,
  );
}

/** The service of docs/process-groups.md as one of a user. */
function userUnit() {
  return documentedUnits('process-groups.md')
    ['orders.service'].replace(/^(Requires|After|User)=.*\n/gm, '')
    .replace('/run/orders/', `${runtime}/orders/`)
    .replace('--workers 4', '--workers 2');
}

/** Its application listens on PORT. */
function makeRelease() {
  const folder = `${home}/current`;
  for (const each of ['dist', 'node_modules/.bin']) mkdirSync(`${folder}/${each}`, { recursive: true });
  const settings = `{ port: Number(process.env.PORT ?? 3000), ledger: '${newLedger()}', framework: 'fastify' }`;
  const text = `process.env.DRAIN_SETTINGS = JSON.stringify(${settings});\nimport('${application}');\n`;
  writeFileSync(`${folder}/dist/main.js`, text);
  const command = `${folder}/node_modules/.bin/nestjs-drain`;
  writeFileSync(command, '#!/bin/sh\nexec node /srv/repository/bin/nestjs-drain.mjs "$@"\n', { mode: 0o755 });
}

/** `nestjs-drain drill --reload systemd`: a unit of a user. */
export async function measure(rolls) {
  const checks = new Checks('`nestjs-drain drill --reload systemd`');
  makeRelease();
  mkdirSync(runtime, { recursive: true });
  chownSync(runtime, uid, uid);
  mkdirSync('/etc/systemd/user', { recursive: true });
  writeFileSync('/etc/systemd/user/orders.service', userUnit());
  await install({ 'user@.service': userManager });
  await systemctl('start', `user@${uid}.service`);

  const flags = ['--reload', 'systemd', '--json', '--rounds', String(Math.min(rolls, 3)), '--ready', '/health/ready'];
  const drill = ['node', 'bin/nestjs-drain.mjs', 'drill', ...flags, '--request', 'GET /orders', '--', 'orders'];
  const { code, stdout, output } = await asUser(...drill);
  if (stdout === '') throw new Error(`The drill ended with ${code}: ${output}`);
  const result = JSON.parse(stdout);
  const stopped = result.rolls.flatMap(({ replicas }) => replicas.filter(({ exitedAtMs }) => exitedAtMs !== undefined));
  const phases = new Set(stopped.flatMap((each) => each.phases.map(({ phase }) => phase)));
  checks.add(
    `${result.rolls.length} reloads of the documented service`,
    `exit code ${code}; ${result.verdict} Phases seen: ${[...phases].join(', ')}`,
    code === 0 && stopped.length === 2 * result.rolls.length && phases.has('draining'),
  );
  const { output: state } = await asUser('systemctl', '--user', 'is-active', 'orders');
  const isAddedTo = existsSync(`${runtime}/systemd/user/orders.service.d/nestjs-drain-drill.conf`);
  checks.add(
    'the unit afterwards',
    `${state}, ${isAddedTo ? '' : 'nothing '}added to it`,
    state === 'inactive' && !isAddedTo,
  );

  await asUser('systemctl', '--user', 'start', 'orders');
  const again = await asUser(...drill);
  await asUser('systemctl', '--user', 'stop', 'orders');
  checks.add('a unit that runs already', `exit code ${again.code}: ${again.output}`, again.code === 2);
  return checks.areBroken;
}
