import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { addressOf, type Backend, type Balancer } from '../../../packages/tools/src/drill/index.js';
import { freePort } from '../../../packages/tools/src/drill/free-port.js';
import { sleep } from '../../../packages/tools/src/drill/timing.js';
import { ServerProcess } from './server-process.js';

export interface HaProxyOptions {
  readonly mode: 'http' | 'tcp';
  readonly readinessPath: string;
  /** The pause between two checks. @default 500 */
  readonly checkPeriodMs?: number;
  /**
   * A server is taken out with the second check that fails, this long after the first; 0 takes it out with the first.
   * @default checkPeriodMs
   */
  readonly lagMs?: number;
  /**
   * For servers that speak TLS. In `http` mode clients do too, HTTP/2 among them; the servers are asked in HTTP/1.1. In
   * `tcp` mode TLS passes through.
   */
  readonly certificate?: { readonly key: string; readonly cert: string };
  /** Where a server is checked, in the clear. @default where it serves */
  readonly probed?: (backend: Backend) => Backend;
}

const rotationPollMs = 20;
const startAttempts = 3;

/** Columns of `show servers state`, and the values of a server that is up, checked and passed. */
const column = { name: 3, operational: 5, administrative: 6, checkResult: 11 } as const;
const running = '2';
const noReason = '0';
const passed = '3';

/**
 * A real HAProxy that checks readiness with `option httpchk` and repairs nothing: `retries 0`, no redispatch. Servers
 * are added at run time, through its socket.
 */
export class HaProxy implements Balancer {
  private readonly servers = new Map<string, Backend>();
  /** From what HAProxy logs, which is only what went wrong. */
  private readonly troubledBy = new Map<number, string>();
  private readonly process: ServerProcess;

  private constructor(
    private readonly options: HaProxyOptions,
    private readonly port: number,
  ) {
    this.process = new ServerProcess('haproxy', (folder) => this.configure(folder), this.readLog);
  }

  /** Resolves when HAProxy listens. */
  static async start(options: HaProxyOptions): Promise<HaProxy> {
    for (let attempt = 1; ; attempt++) {
      const balancer = new HaProxy(options, await freePort());
      try {
        await balancer.process.until('its start', () => balancer.answers());
        return balancer;
      } catch (error) {
        await balancer.close();
        if (attempt === startAttempts) throw error;
      }
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What HAProxy has to say: changes of servers, and requests that went wrong. */
  get output(): string {
    return this.process.output;
  }

  async add(backend: Backend): Promise<void> {
    if (this.servers.has(addressOf(backend))) return;
    const { checkPeriodMs = 500, lagMs = checkPeriodMs } = this.options;
    // One long pause, and not many short checks, whose own time would add up on a busy machine.
    const leaving = lagMs === 0 ? 'fall 1' : `fall 2 fastinter ${lagMs}`;
    const server = serverOf(backend);
    this.servers.set(addressOf(backend), backend);
    await this.command(
      `add server ${server} ${addressOf(backend)} ${this.settingsOf(backend)} inter ${checkPeriodMs} ${leaving} rise 1`,
      'New server registered',
    );
    await this.command(`enable health ${server}`);
    await this.command(`enable server ${server}`);
  }

  async remove(backend: Backend): Promise<void> {
    if (!this.servers.delete(addressOf(backend))) return;
    await this.command(`disable server ${serverOf(backend)}`);
  }

  async isInRotation(backend: Backend): Promise<boolean> {
    const state = await this.command('show servers state app');
    const fields = state.split('\n').map((line) => line.split(' '));
    const server = fields.find((each) => `app/${each[column.name]}` === serverOf(backend));
    return (
      server?.[column.operational] === running &&
      server[column.administrative] === noReason &&
      server[column.checkResult] === passed
    );
  }

  async whenInRotation(backend: Backend): Promise<void> {
    while (!(await this.isInRotation(backend))) {
      if (!this.servers.has(addressOf(backend))) throw new Error(`${addressOf(backend)} is not a server of HAProxy.`);
      await sleep(rotationPollMs);
    }
  }

  backendOf(clientPort: number): Backend | undefined {
    const server = this.troubledBy.get(clientPort);
    return [...this.servers.values()].find((backend) => serverOf(backend) === `app/${server}`) ?? named(server);
  }

  close(): Promise<void> {
    return this.process.end();
  }

  /**
   * How a server is spoken to, and checked. A check over TLS would have to be through with its handshake within
   * `inter`, which a machine that is busy does not manage: a server would be taken out although it is ready.
   */
  private settingsOf(backend: Backend): string {
    const { certificate, mode, probed } = this.options;
    const tls = certificate && mode === 'http' ? 'ssl verify none ' : '';
    return probed ? `${tls}check port ${probed(backend).port}` : `${tls}check`;
  }

  private configure(folder: string): string[] {
    const { mode, readinessPath, certificate } = this.options;
    const file = join(folder, 'haproxy.cfg');
    const pem = join(folder, 'certificate.pem');
    if (certificate) writeFileSync(pem, certificate.cert + certificate.key);
    const tls = certificate && mode === 'http' ? ` ssl crt ${pem} alpn h2,http/1.1` : '';
    // %cp: the client's port; %s: the server; %ts: how the session ended; %ST: the status.
    const format = mode === 'http' ? '"log %cp %s %ts %ST"' : '"log %cp %s %ts"';
    writeFileSync(
      file,
      `global
  stats socket ${this.socketIn(folder)} mode 600 level admin
  log stdout format raw local0
  nbthread 1
  maxconn 2000

defaults
  mode ${mode}
  log global
  log-format ${format}
  option dontlog-normal
  retries 0
  no option redispatch
  timeout connect 5s
  timeout client 90s
  timeout server 60s
  timeout http-keep-alive 90s
  timeout check 2s

frontend clients
  bind 127.0.0.1:${this.port}${tls}
  default_backend app

backend app
  balance roundrobin
  option httpchk GET ${readinessPath}
  http-check expect status 200
`,
    );
    return ['-db', '-f', file];
  }

  private readonly readLog = (line: string): void => {
    const [kind, clientPort, server] = line.split(' ');
    if (kind === 'log' && server) this.troubledBy.set(Number(clientPort), server);
  };

  private socketIn(folder: string): string {
    return join(folder, 'haproxy.sock');
  }

  private async answers(): Promise<boolean> {
    return this.command('show info').then(
      (info) => info.includes('Name: HAProxy'),
      () => false,
    );
  }

  /** Gives a command at the runtime socket; rejects when the answer does not have `expected` in it. */
  private async command(command: string, expected = ''): Promise<string> {
    const socket = connect(this.socketIn(this.process.folder)).setEncoding('utf8');
    let answer = '';
    socket.on('data', (text: string) => (answer += text));
    socket.end(`${command}\n`);
    await once(socket, 'close');
    if (!answer.includes(expected)) throw new Error(`HAProxy answered ${JSON.stringify(answer)} to '${command}'.`);
    return answer;
  }
}

function serverOf({ name, port }: Backend): string {
  return `app/${name ?? port}`;
}

/** A server that has been removed is known by its name alone. */
function named(name: string | undefined): Backend | undefined {
  return name === undefined || name === '<NOSRV>' ? undefined : { name, host: '127.0.0.1', port: 0 };
}
