import { EventEmitter } from 'node:events';
import { defer, mergeMap, Observable } from 'rxjs';
import { type Callback } from '../../../src/client/client-connection.js';

/** The packet of an answer. */
export interface Answer {
  readonly err?: unknown;
  readonly response?: unknown;
  readonly isDisposed?: boolean;
}

export class FakeSocket {
  readonly netSocket = Object.assign(new EventEmitter(), { readyState: 'open' });
  readonly sent: { readonly id: string; readonly data: unknown }[] = [];
  hasEnded = false;

  end(): void {
    this.hasEnded = true;
  }

  close(): void {
    this.netSocket.readyState = 'closed';
    this.netSocket.emit('close');
  }
}

/** What Nest's `ClientTCP` does with its one connection, in the way of 11.0.0: whichever closes fails all calls. */
export class FakeClient {
  socket: FakeSocket | null = null;
  connectionPromise: Promise<unknown> | null = null;
  readonly routingMap = new Map<string, Callback>();
  readonly sockets: FakeSocket[] = [];
  readonly statuses: string[] = [];
  readonly _status$ = { next: (status: string) => void this.statuses.push(status) };
  /** Nobody listens, so many times. */
  refusals = 0;
  private ids = 0;

  connect(): Promise<unknown> {
    if (this.connectionPromise) return this.connectionPromise;
    if (this.refusals-- > 0) return Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    const socket = new FakeSocket();
    this.sockets.push(socket);
    this.socket = socket;
    socket.netSocket.on('close', () => {
      this._status$.next('disconnected');
      this.handleClose();
    });
    socket.netSocket.on('message', ({ id, ...answer }: Answer & { id: string }) => this.routingMap.get(id)?.(answer));
    this.connectionPromise = Promise.resolve();
    return this.connectionPromise;
  }

  send(data: unknown): Observable<unknown> {
    return defer(async () => this.connect()).pipe(
      mergeMap(
        () =>
          new Observable((observer) =>
            this.publish({ data }, ({ err, response, isDisposed }: Answer) => {
              if (err) return observer.error(err);
              if (response !== undefined) observer.next(response);
              if (isDisposed) observer.complete();
            }),
          ),
      ),
    );
  }

  publish(packet: { id?: string; data?: unknown }, callback: Callback): () => void {
    const id = (packet.id = `${++this.ids}`);
    this.routingMap.set(id, callback);
    this.socket!.sent.push({ id, data: packet.data });
    return () => this.routingMap.delete(id);
  }

  close(): void {
    this.socket?.end();
    this.handleClose();
  }

  handleClose(): void {
    this.socket = null;
    this.connectionPromise = null;
    const callbacks = [...this.routingMap.values()];
    this.routingMap.clear();
    for (const callback of callbacks) callback({ err: new Error('Connection closed') });
  }
}
