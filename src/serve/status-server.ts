import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type GroupStatus } from './status.js';
import { UsageError } from './usage.js';

/** Tells on the loopback interface where the group stands: `/status` as JSON, `/metrics` for Prometheus. */
export class StatusServer {
  private constructor(private readonly server: Server) {}

  /** @throws UsageError when the port is taken */
  static async open(port: number, status: () => GroupStatus): Promise<StatusServer> {
    const server = createServer((request, response) => {
      const [type, body] =
        request.url === '/metrics'
          ? ['text/plain; version=0.0.4', metricsText(status())]
          : ['application/json', JSON.stringify(status())];
      const isKnown = request.url === '/metrics' || request.url === '/status';
      response.writeHead(isKnown ? 200 : 404, { 'content-type': type, connection: 'close' }).end(isKnown ? body : '');
    });
    await new Promise<void>((resolve, reject) => {
      // Later it is one client that could not be accepted.
      server.on('error', ({ message }) => reject(new UsageError(`Expected --status-port to be free: ${message}.`)));
      server.listen(port, '127.0.0.1', resolve);
    });
    return new StatusServer(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function metricsText({ counts, workers, version }: GroupStatus): string {
  const counters = Object.entries(counts).map(([name, value]) => {
    const metric = `nestjs_drain_serve_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}_total`;
    return `# TYPE ${metric} counter\n${metric} ${value}`;
  });
  const gauge = (name: string, lines: readonly string[]) =>
    [`# TYPE nestjs_drain_serve_${name} gauge`, ...lines.map((line) => `nestjs_drain_serve_${name}${line}`)].join('\n');
  const phases = ['starting', 'ready', 'serving', 'retiring'];
  const inPhase = (phase: string) => workers.filter((worker) => worker.phase === phase).length;
  return [
    ...counters,
    gauge('version', [` ${version ?? 0}`]),
    gauge(
      'workers',
      phases.map((phase) => `{phase="${phase}"} ${inPhase(phase)}`),
    ),
    gauge(
      'worker_rss_bytes',
      workers.map(({ pid, worker, rss }) => `{worker="${worker}",pid="${pid}"} ${rss}`),
    ),
    gauge(
      'worker_untaken_connections',
      workers.map(({ pid, worker, untaken }) => `{worker="${worker}",pid="${pid}"} ${untaken}`),
    ),
    '',
  ].join('\n');
}
