import { chmodSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { removeAbandoned } from './listening-sockets.js';
import { UsageError } from './usage.js';

/** No order is longer. */
const longestOrder = 1_000;

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
    // Who has ended its own half waits for the answer.
    const server = createServer({ allowHalfOpen: true });
    const control = new ControlSocket(server);
    server.on('connection', (socket) => void control.hear(socket, obey));
    await new Promise<void>((resolve, reject) => {
      // Later it is one client that could not be accepted.
      server.on('error', ({ code, message }: NodeJS.ErrnoException) => {
        const isTaken = code === 'EADDRINUSE';
        const why = isTaken ? 'a group that runs already is spoken to there, or it is no socket' : message;
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
    for (const socket of this.sockets) socket.destroySoon();
  }

  /** One order for each connection. */
  private async hear(socket: Socket, obey: (order: Order) => Promise<Answer>): Promise<void> {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    const order = orderIn(await firstLine(socket));
    const answer = order
      ? await obey(order).catch(({ message }: Error) => ({ isDone: false, summary: message }))
      : { isDone: false, summary: 'Expected an order as JSON.' };
    socket.end(`${JSON.stringify(answer)}\n`);
  }
}

/** What follows is read as well, for the end of a connection is noticed by reading alone. */
function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const hear = (text: string) => {
      heard += text;
      if (!heard.includes('\n') && heard.length < longestOrder) return;
      socket.off('data', hear).resume();
      resolve(heard.split('\n')[0]!);
    };
    socket.setEncoding('utf8').on('data', hear);
    socket.once('end', () => resolve(heard));
  });
}

function orderIn(line: string): Order | undefined {
  try {
    return JSON.parse(line) as Order;
  } catch {
    return undefined;
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
