/** Strict clients of a group of processes: none sends anything twice, and each payment has a name of its own. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/** `rest`: the pause between two requests on the same connection, ms. */
const kinds = [
  { name: 'new', isKept: false, rest: 15 },
  { name: 'new', isKept: false, rest: 60 },
  { name: 'kept', isKept: true, rest: 10 },
  { name: 'kept', isKept: true, rest: 40 },
  { name: 'kept', isKept: true, rest: 150 },
  { name: 'resting', isKept: true, rest: 1_500 },
  { name: 'resting', isKept: true, rest: 3_500 },
];
const paths = ['/orders', 'POST /pay', '/orders', '/slow', 'POST /pay', '/health/ready'];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class StrictClients {
  requests = 0;
  lost = {};
  probes = 0;
  failedProbes = 0;
  longestMs = 0;
  static #instances = 0;
  /** Several of them may have the same ledger. */
  #name = ++StrictClients.#instances;
  #paid = [];
  #isOver = false;
  #clients;

  constructor(port, perKind = 4) {
    this.port = port;
    this.#clients = kinds.flatMap((kind) => Array.from({ length: perKind }, (_, place) => this.#run(kind, place)));
  }

  /** Resolves with the payments that were answered, and are not in the ledger once. */
  async end(ledger) {
    this.#isOver = true;
    await Promise.all(this.#clients);
    const times = new Map();
    for (const id of readFileSync(ledger, 'utf8').split('\n')) times.set(id, (times.get(id) ?? 0) + 1);
    return this.#paid.filter((id) => times.get(id) !== 1).length;
  }

  get lostCount() {
    return Object.values(this.lost).reduce((sum, count) => sum + count, 0);
  }

  async #run({ name, isKept, rest }, place) {
    const agent = new Agent({ keepAlive: isKept, maxSockets: 1 });
    for (let turn = place; !this.#isOver; turn++) {
      await this.#ask(agent, name, paths[turn % paths.length], `${this.#name}-${name}-${rest}-${place}-${turn}`);
      const until = performance.now() + rest * (0.5 + Math.random());
      while (!this.#isOver && performance.now() < until) await pause(Math.min(50, until - performance.now()));
      // A FIN that has come is read before something is written behind it.
      await new Promise((resolve) => setImmediate(resolve));
    }
    agent.destroy();
  }

  async #ask(agent, kind, what, id) {
    const [path, method = 'GET'] = what.split(' ').reverse();
    const body = method === 'POST' ? JSON.stringify({ id }) : undefined;
    const startedAt = performance.now();
    const outcome = await send({ agent, port: this.port, method, path, body });
    this.longestMs = Math.max(this.longestMs, Math.round(performance.now() - startedAt));
    const isProbe = path === '/health/ready';
    if (isProbe) this.probes++;
    else this.requests++;
    if (outcome === 200) {
      if (method === 'POST') this.#paid.push(id);
      return;
    }
    if (isProbe) this.failedProbes++;
    const reason = `${outcome} (${kind})`;
    this.lost[reason] = (this.lost[reason] ?? 0) + 1;
  }
}

function send({ agent, port, method, path, body }) {
  return new Promise((resolve) => {
    const headers = body ? { 'content-type': 'application/json', 'content-length': body.length } : {};
    const sent = request({ agent, port, host: '127.0.0.1', method, path, headers, timeout: 15_000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
      response.on('error', (error) => resolve(error.code ?? error.message));
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', (error) => resolve(error.code ?? error.message));
    sent.end(body);
  });
}
