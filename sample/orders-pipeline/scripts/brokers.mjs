/**
 * Starts RabbitMQ and Redis of Debian's packages on free loopback ports, with their data in a temporary folder. All of it
 * ends with `stop()`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const rabbit = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const redis = '/usr/bin/redis-server';

/** Names what is not installed. */
export function missingBrokers() {
  return [
    ['rabbitmq-server', rabbit],
    ['redis-server', redis],
  ]
    .filter(([, path]) => !existsSync(path))
    .map(([name]) => name);
}

/** @returns {Promise<{ rabbitUrl: string, redisPort: number, stop(): Promise<void> }>} */
export async function startBrokers() {
  const folder = mkdtempSync(join(tmpdir(), 'orders-pipeline-'));
  const [rabbitPort, distPort, epmdPort, redisPort] = await freePorts(4);
  const erlang = { ERL_EPMD_PORT: `${epmdPort}`, ERL_EPMD_ADDRESS: '127.0.0.1', HOME: folder };
  writeFileSync(join(folder, 'enabled_plugins'), '[].\n');
  const started = [];
  const start = (program, args, env, ready) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, cwd: folder, detached: true });
    started.push(child);
    return until(child, program, ready);
  };
  const stop = async () => {
    for (const child of started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = once(child, 'close');
      process.kill(-child.pid, 'SIGKILL');
      await closed;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    void start('epmd', ['-port', `${epmdPort}`, '-address', '127.0.0.1'], erlang).catch(() => undefined);
    await Promise.all([
      start(
        redis,
        ['--bind', '127.0.0.1', '--port', `${redisPort}`, '--save', '', '--dir', folder],
        {},
        /Ready to accept/,
      ),
      start(
        rabbit,
        [],
        {
          ...erlang,
          RABBITMQ_NODENAME: `pipeline${rabbitPort}@localhost`,
          RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
          RABBITMQ_NODE_PORT: `${rabbitPort}`,
          RABBITMQ_DIST_PORT: `${distPort}`,
          RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
          RABBITMQ_LOG_BASE: join(folder, 'log'),
          RABBITMQ_LOGS: '-',
          RABBITMQ_PID_FILE: join(folder, 'pid'),
          RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
          RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
          RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
        },
        /Server startup complete/,
      ),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { rabbitUrl: `amqp://guest:guest@127.0.0.1:${rabbitPort}`, redisPort, stop };
}

function until(child, program, ready) {
  return new Promise((resolve, reject) => {
    let output = '';
    child.once('error', reject);
    child.once('close', () => reject(new Error(`${program} ended. ${output}`)));
    const read = (chunk) => {
      output = (output + chunk).slice(-10_000);
      if (ready?.test(output)) resolve();
    };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', read);
  });
}

/** Below those that are given to clients, so that none of them takes one meanwhile. */
async function freePorts(count) {
  const servers = [];
  while (servers.length < count) {
    const server = createServer().listen(10_000 + Math.floor(Math.random() * 20_000), '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (isFree) servers.push(server);
  }
  const ports = servers.map((server) => server.address().port);
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}
