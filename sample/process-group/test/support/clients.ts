import { Agent, request } from 'node:http';

/** What came of the requests. */
export interface Figures {
  requests: number;
  /** What was answered otherwise than it should be, or not at all. */
  lost: string[];
  /** The ids of the orders that were answered. */
  ordered: string[];
  /** Which releases have answered. */
  releases: Set<string>;
}

/** Strict clients: none sends anything twice. Half of them keep their connection, and all of them watch readiness. */
export class Clients {
  readonly figures: Figures = { requests: 0, lost: [], ordered: [], releases: new Set() };
  private isOver = false;
  private readonly all: Promise<void>[];

  constructor(
    private readonly url: string,
    count = 8,
  ) {
    this.all = Array.from({ length: count }, (_, number) => this.run(number));
  }

  /** Resolves when this release has answered. */
  async answeredBy(release: string): Promise<void> {
    while (!this.figures.releases.has(release)) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async end(): Promise<Figures> {
    this.isOver = true;
    await Promise.all(this.all);
    return this.figures;
  }

  private async run(number: number): Promise<void> {
    const agent = new Agent({ keepAlive: number % 2 === 0, maxSockets: 1 });
    for (let turn = number; !this.isOver; turn++) {
      const id = `${number}-${turn}`;
      if (turn % 3 === 0) await this.ask(agent, 'GET', '/orders/report');
      else if (turn % 3 === 1) await this.ask(agent, 'POST', '/orders', id);
      else await this.ask(agent, 'GET', '/health/ready');
      // The FIN of a server that has closed is read before the next request is written: timers come before what has come
      // in, and a client that was not given its turn would write first.
      await new Promise((resolve) => setTimeout(() => setImmediate(resolve), 10));
    }
    agent.destroy();
  }

  private async ask(agent: Agent, method: string, path: string, id?: string): Promise<void> {
    const { figures } = this;
    figures.requests++;
    const { status, text } = await send(agent, this.url + path, method, id && JSON.stringify({ id }));
    if (status !== (method === 'POST' ? '201' : '200')) {
      figures.lost.push(`${method} ${path}: ${status} ${text}`);
      return;
    }
    if (id !== undefined) figures.ordered.push(id);
    const { release } = JSON.parse(text) as { release?: string };
    if (release !== undefined) figures.releases.add(release);
  }
}

function send(agent: Agent, url: string, method: string, body?: string): Promise<{ status: string; text: string }> {
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
    const sent = request(url, { agent, method, headers, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => (text += more));
      response.on('end', () => resolve({ status: String(response.statusCode), text }));
      response.on('error', (error: NodeJS.ErrnoException) =>
        resolve({ status: error.code ?? '', text: error.message }),
      );
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', (error: NodeJS.ErrnoException) => resolve({ status: error.code ?? '', text: error.message }));
    sent.end(body);
  });
}
