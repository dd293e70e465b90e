/**
 * Brokers of Debian's packages, each a process of its own on free loopback ports, with its data in a temporary folder.
 * Nothing of them outlives `stop()`, nor the process that started them.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithThisProcess } from '../../packages/tools/src/drill/children.js';
import { HoldingProxy } from './holding-proxy.js';
import { freePort } from '../../packages/tools/src/drill/free-port.js';

export type BrokerName = 'redis' | 'rabbitmq' | 'mosquitto' | 'nats' | 'kafka';

export interface BrokerAddress {
  readonly name: BrokerName;
  readonly port: number;
  /** What the client of that broker takes: `redis://`, `amqp://`, `mqtt://`, `nats://`, and `host:port` for Kafka. */
  readonly url: string;
}

export interface Broker extends BrokerAddress {
  /** Where its data is. Every process of it runs in there. */
  readonly folder: string;
  /** Ends it at once, as a crash does, and all that came with it. The same promise on a second call. */
  stop(): Promise<void>;
}

/** A wire to a broker, with its own address. A test drops, refuses or holds what goes over it. */
export interface BrokerWire extends BrokerAddress {
  /** Cuts the connections of now. Clients connect again at once if they want. */
  dropConnections(): void;
  /** Resolves when a client has next connected. */
  connected(): Promise<void>;
  /** The broker is down: the connections of now are cut, and new ones refused. */
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
  /** The broker says nothing any more (no confirms, no replies), though it is connected. What it says is kept. */
  goSilent(): void;
  /** Lets what was kept through. */
  speak(): void;
  stop(): Promise<void>;
}

interface Recipe {
  readonly program: string;
  readonly debianPackage: string;
  readonly scheme: string;
  /** Found in what the broker prints once it takes connections. A group `port` tells where. */
  readonly ready: RegExp;
  /** Writes the configuration into the folder. */
  prepare(port: number, folder: string): Promise<Start> | Start;
}

interface Start {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** What is started before it and ended after it. */
  readonly companions?: readonly Running[];
}

/** Debian keeps some of them where the path of an ordinary user does not look. */
const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin`;
/** A server of Erlang takes its time on a loaded machine: 7 s on an idle one. */
const startTimeoutMs = 60_000;
/** How often another port is tried: one that was free may be taken meanwhile. */
const attempts = 3;

const recipes: Record<BrokerName, Recipe> = {
  redis: {
    program: 'redis-server',
    debianPackage: 'redis-server',
    scheme: 'redis://',
    ready: /Ready to accept connections/,
    prepare: (port, folder) => ({
      args: ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder, '--save', '', '--appendonly', 'no'],
    }),
  },
  rabbitmq: {
    // Not the one in /usr/sbin: that one changes the user, and with it the environment.
    program: '/usr/lib/rabbitmq/bin/rabbitmq-server',
    debianPackage: 'rabbitmq-server',
    scheme: 'amqp://guest:guest@',
    ready: /Server startup complete/,
    prepare: prepareRabbit,
  },
  mosquitto: {
    program: 'mosquitto',
    debianPackage: 'mosquitto',
    scheme: 'mqtt://',
    ready: /mosquitto version \S+ running/,
    prepare: prepareMosquitto,
  },
  nats: {
    program: 'nats-server',
    debianPackage: 'nats-server',
    scheme: 'nats://',
    ready: /Server is ready/,
    prepare: (port) => ({ args: ['--addr', '127.0.0.1', '--port', `${port}`] }),
  },
  kafka: {
    // The mock cluster of librdkafka. It names its own address to clients, so no wire can be put in front of it.
    program: 'kcat',
    debianPackage: 'kcat',
    scheme: '',
    ready: /replaced with 127\.0\.0\.1:(?<port>\d+)/,
    prepare: () => ({
      args: ['-b', 'ignored:1', '-X', 'test.mock.num.brokers=1', '-C', '-t', 'keepalive', '-o', 'end'],
    }),
  },
};

/** Which of these brokers cannot be started here, with what installs them; nothing when all can. */
export function missingBrokers(names: readonly BrokerName[]): string | undefined {
  const missing = [...new Set(names)].filter((name) => !isInstalled(recipes[name].program));
  if (missing.length === 0) return undefined;
  const packages = missing.map((name) => recipes[name].debianPackage).join(' ');
  return `${missing.join(', ')} not found (Debian: apt-get install -y ${packages})`;
}

/** Resolves when the broker takes connections. */
export async function startBroker(name: BrokerName): Promise<Broker> {
  const { program, scheme, ready, prepare } = recipes[name];
  for (let attempt = 1; ; attempt++) {
    const folder = mkdtempSync(join(tmpdir(), `nestjs-drain-${name}-`));
    const chosen = await freePort();
    const { args, env, companions = [] } = await prepare(chosen, folder);
    const server = new Running(program, args, folder, env);
    let stopped: Promise<void> | undefined;
    const stop = async () => {
      for (const each of [server, ...companions]) await each.end();
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      const port = Number((await server.prints(ready)).groups?.port ?? chosen);
      return { name, port, url: `${scheme}127.0.0.1:${port}`, folder, stop: () => (stopped ??= stop()) };
    } catch (error) {
      await stop();
      if (attempt === attempts) throw error;
    }
  }
}

/** Puts a wire in front of a broker. Its clients are to use the address of the wire. */
export async function wireTo(broker: BrokerAddress): Promise<BrokerWire> {
  if (broker.name === 'kafka') throw new Error('Expected a broker that names no address of its own, got kafka.');
  const proxy = await HoldingProxy.listen(broker.port);
  return {
    name: broker.name,
    port: proxy.port,
    url: `${recipes[broker.name].scheme}127.0.0.1:${proxy.port}`,
    dropConnections: () => proxy.drop(),
    connected: () => proxy.connected(),
    goDown: () => proxy.refuse(),
    comeBack: () => proxy.accept(),
    goSilent: () => proxy.hold('to the client'),
    speak: () => proxy.release(),
    stop: () => proxy.close(),
  };
}

/** A process of a group of its own, which ends as a whole. */
class Running {
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private output = '';

  constructor(
    private readonly program: string,
    args: readonly string[],
    folder: string,
    env: NodeJS.ProcessEnv = {},
  ) {
    this.child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: folder,
      env: { ...process.env, PATH, HOME: folder, ...env },
      detached: true,
    });
    this.exited = new Promise((resolve) => {
      // Not 'exit': its own children may live on for a moment, and have its output open.
      this.child.once('close', () => resolve()).once('error', () => resolve());
    });
    endWithThisProcess(this.child, 'SIGKILL', true);
  }

  /** Resolves with the first match of what it prints. Rejects when it ends without, or takes too long. */
  prints(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${this.program} ${why}. Its output:\n${this.output}`));
      const timer = setTimeout(() => fail(`is not ready after ${startTimeoutMs} ms`), startTimeoutMs);
      void this.exited.then(() => {
        clearTimeout(timer);
        fail('ended');
      });
      const listen = (text: string) => {
        this.output = (this.output + text).slice(-16_384);
        const match = pattern.exec(this.output);
        if (!match) return;
        clearTimeout(timer);
        resolve(match);
      };
      // They go on being read: a full pipe would stop it.
      for (const stream of [this.child.stdout!, this.child.stderr!]) stream.setEncoding('utf8').on('data', listen);
    });
  }

  async end(): Promise<void> {
    if (this.child.pid === undefined) return;
    if (this.child.exitCode === null && this.child.signalCode === null) process.kill(-this.child.pid, 'SIGKILL');
    await this.exited;
  }
}

function prepareMosquitto(port: number, folder: string): Start {
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    // Started by root, it would become somebody who cannot write into the folder.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    'persistence true',
    `persistence_location ${folder}/`,
    'log_dest stderr',
    // The handlers of a test run side by side: more than the default of 20 are in flight.
    'max_inflight_messages 1000',
    'max_queued_messages 0',
    'set_tcp_nodelay true',
  ];
  writeFileSync(join(folder, 'mosquitto.conf'), `${lines.join('\n')}\n`);
  return { args: ['-c', join(folder, 'mosquitto.conf')] };
}

/**
 * Everything that RabbitMQ shares with others of the machine has a place of its own: name, ports, folders, and the
 * daemon (epmd) that would stay behind. The cookie is made in HOME.
 */
async function prepareRabbit(port: number, folder: string): Promise<Start> {
  const [epmdPort, distPort] = [await freePort(), await freePort()];
  const erlang = { ERL_EPMD_PORT: `${epmdPort}`, ERL_EPMD_ADDRESS: '127.0.0.1' };
  writeFileSync(join(folder, 'enabled_plugins'), '[].\n');
  writeFileSync(join(folder, 'rabbitmq.conf'), 'loopback_users = none\nlog.console.level = info\n');
  return {
    args: [],
    env: {
      ...erlang,
      RABBITMQ_NODENAME: `drain${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: `${port}`,
      RABBITMQ_DIST_PORT: `${distPort}`,
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_PID_FILE: join(folder, 'pid'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
      RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
      // Erlang's schedulers spin when they are idle, which costs the tests beside it their time.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +sbwtdcpu none +sbwtdio none',
    },
    companions: [new Running('epmd', ['-port', `${epmdPort}`, '-address', '127.0.0.1'], folder, erlang)],
  };
}

function isInstalled(program: string): boolean {
  return (
    spawnSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore', env: { ...process.env, PATH } }).status === 0
  );
}
