import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { addressOf, isReady, type Backend, type Balancer } from '../../../packages/tools/src/drill/index.js';
import { freePort } from '../../../packages/tools/src/drill/free-port.js';
import { sleep } from '../../../packages/tools/src/drill/timing.js';
import { ServerProcess } from './server-process.js';

export interface NginxOptions {
  readonly readinessPath: string;
  /** The pause between two probes of a backend. @default 250 */
  readonly probePeriodMs?: number;
  /** From the first failed probe to the reload. @default 250 */
  readonly lagMs?: number;
  /** The backends speak TLS, and connections may be upgraded; nothing is buffered in either direction. */
  readonly upgrades?: boolean;
  /** Where a backend is probed. @default where it serves */
  readonly probed?: (backend: Backend) => Backend;
}

const probeTimeoutMs = 2_000;
const startAttempts = 3;

const upgradable = `proxy_set_header Connection $onward;
      proxy_set_header Upgrade $http_upgrade;
      proxy_request_buffering off;
      proxy_buffering off;
      client_max_body_size 0;`;

/**
 * A real nginx that repairs nothing (`proxy_next_upstream off`), and the controller that it needs: nginx itself does
 * not check readiness, so somebody probes the backends, writes the configuration without those that fail, and reloads.
 *
 * `keepalive_timeout 0` towards the clients, because a reload closes nginx's own idle client connections, which is
 * nginx's loss and not the application's. Connections to the backends are kept.
 */
export class Nginx implements Balancer {
  private readonly members = new Map<string, { backend: Backend; watch: AbortController; isIn: boolean }>();
  /** Everything that ever was a member, for reports. */
  private readonly known = new Map<string, Backend>();
  private readonly process: ServerProcess;
  private generation = 1;
  private reloading: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: NginxOptions,
    private readonly port: number,
    private readonly controlPort: number,
  ) {
    this.process = new ServerProcess('nginx', (folder) => {
      this.configure(folder);
      return ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
    });
  }

  /** Resolves when nginx listens. */
  static async start(options: NginxOptions): Promise<Nginx> {
    for (let attempt = 1; ; attempt++) {
      const balancer = new Nginx(options, await freePort(), await freePort());
      try {
        await balancer.inForce();
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

  get output(): string {
    return this.process.output;
  }

  async add(backend: Backend): Promise<void> {
    if (this.members.has(addressOf(backend))) return;
    const member = { backend, watch: new AbortController(), isIn: true };
    this.members.set(addressOf(backend), member);
    this.known.set(addressOf(backend), backend);
    await this.reload();
    void this.takeOutWhenUnready(member);
  }

  async remove(backend: Backend): Promise<void> {
    const member = this.members.get(addressOf(backend));
    if (!member) return;
    member.watch.abort();
    this.members.delete(addressOf(backend));
    if (member.isIn) await this.reload();
  }

  isInRotation(backend: Backend): boolean {
    return this.members.get(addressOf(backend))?.isIn ?? false;
  }

  async whenInRotation(backend: Backend): Promise<void> {
    await this.reloading;
    if (!this.isInRotation(backend)) throw new Error(`${addressOf(backend)} is not in the configuration of nginx.`);
  }

  backendOf(clientPort: number): Backend | undefined {
    const line = readFileSync(join(this.process.folder, 'access.log'), 'utf8')
      .split('\n')
      .findLast((each) => each.startsWith(`${clientPort} `));
    return this.known.get(line?.split(' ')[1] ?? '');
  }

  /** Writes the configuration and has nginx take it up; resolves when its new workers answer. */
  reload(): Promise<void> {
    return (this.reloading = this.reloading.then(async () => {
      this.generation++;
      this.configure(this.process.folder);
      this.process.signal('SIGHUP');
      await this.inForce();
    }));
  }

  async close(): Promise<void> {
    for (const { watch } of this.members.values()) watch.abort();
    await this.reloading.catch(() => undefined);
    await this.process.end();
  }

  private async takeOutWhenUnready(member: { backend: Backend; watch: AbortController; isIn: boolean }): Promise<void> {
    const { readinessPath, probePeriodMs = 250, lagMs = 250, probed } = this.options;
    const { signal } = member.watch;
    const backend = probed?.(member.backend) ?? member.backend;
    while (await isReady(backend, readinessPath, probeTimeoutMs, signal)) await sleep(probePeriodMs, signal);
    await sleep(lagMs, signal);
    if (signal.aborted) return;
    member.isIn = false;
    // One that fails stays in the chain, and is told by the next.
    await this.reload().catch(() => undefined);
  }

  private configure(folder: string): void {
    const servers = [...this.members.values()].filter(({ isIn }) => isIn).map(({ backend }) => addressOf(backend));
    const { upgrades = false } = this.options;
    const upstream = servers.length > 0 ? servers : ['127.0.0.1:9 down'];
    writeFileSync(
      join(folder, 'nginx.conf'),
      `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 2;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((each) => `${each}_temp_path ${each};`).join(' ')}
  log_format trouble '$remote_port $upstream_addr $status $upstream_status';
  map $http_upgrade $onward { default upgrade; '' ''; }
  map $status $is_trouble { ~^[23] 0; default 1; }
  access_log access.log trouble if=$is_trouble;
  upstream app {
    ${upstream.map((server) => `server ${server.replace(' down', '')} max_fails=0${server.endsWith(' down') ? ' down' : ''};`).join('\n    ')}
    keepalive 32;
  }
  server {
    listen 127.0.0.1:${this.port};
    keepalive_timeout 0;
    location / {
      proxy_pass ${upgrades ? 'https' : 'http'}://app;
      proxy_http_version 1.1;
      ${upgrades ? upgradable : 'proxy_set_header Connection "";'}
      proxy_set_header Host $host;
      proxy_next_upstream off;
    }
  }
  server {
    listen 127.0.0.1:${this.controlPort};
    keepalive_timeout 0;
    location / { return 200 "generation ${this.generation}"; }
  }
}
`,
    );
  }

  private inForce(): Promise<void> {
    const wanted = `generation ${this.generation}`;
    return this.process.until(`generation ${this.generation}`, async () => (await this.ask()) === wanted);
  }

  private ask(): Promise<string> {
    return new Promise((resolve) => {
      let body = '';
      const request = get({ host: '127.0.0.1', port: this.controlPort, agent: false }, (answer) => {
        answer.setEncoding('utf8').on('data', (text: string) => (body += text));
      });
      request.on('error', () => undefined);
      request.once('close', () => resolve(body));
    });
  }
}
