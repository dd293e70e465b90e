import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';

/** Connections opened side by side: fewer than a listener's backlog holds. */
const openedAtOnce = 100;

/** A keep-alive connection that does as little as can be done, so that the server is what is measured. */
export class Connection {
  #socket;
  #head;
  #responseBytes = 0;
  #due = 0;
  #answered = () => undefined;

  static async open(port, path = '/') {
    const connection = new Connection();
    connection.#head = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    connection.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    connection.#socket.on('error', () => undefined);
    connection.closed = once(connection.#socket, 'close').then(() => performance.now());
    await once(connection.#socket, 'connect');
    return connection;
  }

  /** Opens `count` connections. */
  static async openMany(port, count, path) {
    const connections = [];
    while (connections.length < count) {
      const some = Math.min(openedAtOnce, count - connections.length);
      connections.push(...(await Promise.all(Array.from({ length: some }, () => Connection.open(port, path)))));
    }
    return connections;
  }

  /** Sends the first request, and learns from its answer how long all answers are. */
  async first() {
    this.send();
    const [chunk] = await once(this.#socket, 'data');
    const text = chunk.toString('latin1');
    if (!text.startsWith('HTTP/1.1 200') || !text.endsWith('Hello World!')) throw new Error(`unexpected: ${text}`);
    this.#responseBytes = chunk.length;
    this.#socket.on('data', this.#count);
  }

  send() {
    this.#socket.write(this.#head);
  }

  /** Resolves with the instant of the last byte of what is sent in answer to one request. */
  async answer() {
    let received = '';
    while (!received.endsWith('World!')) received += String((await once(this.#socket, 'data'))[0]);
    return performance.now();
  }

  /** Sends requests one after the other for as long as `more` says so. */
  run(more) {
    return new Promise((resolve, reject) => {
      const next = () => {
        if (!more()) return resolve();
        this.#due = this.#responseBytes;
        this.#socket.write(this.#head);
      };
      this.#answered = next;
      void this.closed.then(() => reject(new Error('the server closed a connection')));
      next();
    });
  }

  destroy() {
    this.#socket.destroy();
  }

  #count = (chunk) => {
    this.#due -= chunk.length;
    if (this.#due === 0) this.#answered();
    else if (this.#due < 0) this.#socket.destroy();
  };
}

/** Sends `requests` requests over `connections`, each without pipelining. Returns the ms it took. */
export async function load(connections, requests) {
  let left = requests;
  const startedAt = performance.now();
  await Promise.all(connections.map((connection) => connection.run(() => left-- > 0)));
  return performance.now() - startedAt;
}
