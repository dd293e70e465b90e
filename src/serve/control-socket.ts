import { chmodSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { removeAbandoned } from './listening-sockets.js';
import { UsageError } from './usage.js';

/** What a group is asked. */
export interface Order {
  readonly order: 'reload' | 'status' | 'stop' | 'scale';
  readonly workers?: number;
}

/** What it answers. */
export interface Answer {
  readonly isDone: boolean;
  readonly summary: string;
}

/** Listens for orders; its owner alone may give some. */
export class ControlSocket {
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  /** @throws UsageError when another group is spoken to there */
  static async open(path: string, obey: (order: Order) => Promise<Answer>): Promise<ControlSocket> {
    await removeAbandoned(path);
    const server = createServer();
    const control = new ControlSocket(server);
    server.on('connection', (socket) => control.hear(socket, obey));
    await new Promise<void>((resolve, reject) => {
      server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
        const isTaken = code === 'EADDRINUSE';
        const why = isTaken ? 'a group that runs already is spoken to there' : message;
        reject(
          new UsageError(`Expected a control socket of its own at ${path}: ${why}. Name another: --control <path>.`),
        );
      });
      server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
    return control;
  }

  /** Answers that are on their way arrive. */
  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.end();
  }

  private hear(socket: Socket, obey: (order: Order) => Promise<Answer>): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    createInterface({ input: socket }).on('line', (line) => {
      const answer = (given: Answer) => socket.end(`${JSON.stringify(given)}\n`);
      try {
        void obey(JSON.parse(line) as Order).then(answer, ({ message }: Error) => {
          answer({ isDone: false, summary: message });
        });
      } catch {
        answer({ isDone: false, summary: 'Expected an order as JSON.' });
      }
    });
  }
}

/** Gives an order to the group that is spoken to at `path`. @throws UsageError when there is none */
export function giveOrder(path: string, order: Order): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${JSON.stringify(order)}\n`));
    let heard = '';
    socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      reject(
        new UsageError(
          `Expected a group that runs, and none is spoken to at ${path} (${code}). Start it with nestjs-drain serve, ` +
            'or name its control socket: --control <path>.',
        ),
      );
    });
    socket.once('close', () => {
      if (heard === '') resolve({ isDone: order.order === 'stop', summary: 'the group has ended' });
      else resolve(JSON.parse(heard) as Answer);
    });
  });
}
