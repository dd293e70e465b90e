import { ClientConnection, type Callback, type TcpSocket } from './client-connection.js';

/** What is known of Nest's `ClientTCP`: these are the same from 11.0.0 to 12. */
export interface ClientTcp {
  socket: TcpSocket | null;
  connectionPromise: Promise<unknown> | null;
  /** Who waits for the answer of each call, by its id. */
  readonly routingMap: Map<string, Callback>;
  /** Tells 'connected' and 'disconnected' to those who watch its status. */
  readonly _status$?: { next(status: string): void };
  connect(): Promise<unknown>;
  publish(packet: { id?: string }, callback: Callback): () => void;
  /** Fails all calls, on whichever connection they were sent. */
  handleClose(): void;
}

const watched = new WeakMap<object, WatchedClient>();

/**
 * Watches a client from here on, once. One that is no `ClientTCP` is left alone.
 *
 * @param client a client of Nest's
 */
export function watchClient(client: object): void {
  if (!watched.has(client) && isClientTcp(client)) watched.set(client, new WatchedClient(client));
}

/**
 * Lets a client change its connection in mid-flight: Nest's own has one, and fails all its calls when one closes. It
 * stands in for three methods of the client.
 */
class WatchedClient {
  private readonly connections = new Map<TcpSocket, ClientConnection>();
  /** The connection that tells everybody that it has closed. */
  private closing?: ClientConnection;

  constructor(private readonly client: ClientTcp) {
    const { connect, publish, handleClose } = boundMethodsOf(client);
    client.connect = () => {
      const connected = connect();
      this.current();
      return connected;
    };
    client.publish = (packet, callback) => {
      const call = this.current()?.begin(callback);
      if (!call) return publish(packet, callback);
      const forget = publish(packet, call.answer);
      call.id = packet.id;
      return () => {
        call.end();
        forget();
      };
    };
    client.handleClose = () => {
      // Each connection fails its own calls.
      if (!this.closing) handleClose();
    };
    const connection = this.current();
    for (const [id, callback] of connection ? client.routingMap : []) {
      const call = connection!.begin(callback);
      call.id = id;
      client.routingMap.set(id, call.answer);
    }
  }

  /** The connection that the client writes to. */
  private current(): ClientConnection | undefined {
    const { socket } = this.client;
    if (!socket) return undefined;
    const known = this.connections.get(socket);
    if (known) return known;
    const connection = new ClientConnection(socket, {
      left: () => this.leave(socket),
      closes: () => (this.closing = connection),
      closed: () => this.closed(socket, connection),
      isReplaced: () => this.client.socket !== socket,
    });
    this.connections.set(socket, connection);
    for (const other of this.connections.values()) other.endIfDone();
    return connection;
  }

  /** The next call, or event, connects anew. Until then those that are about to be written have a socket. */
  private leave(socket: TcpSocket): void {
    if (this.client.socket === socket) this.client.connectionPromise = null;
  }

  private closed(socket: TcpSocket, connection: ClientConnection): void {
    const { client } = this;
    this.closing = undefined;
    this.connections.delete(socket);
    if (client.socket === socket) {
      client.socket = null;
      client.connectionPromise = null;
    }
    for (const id of connection.unanswered()) client.routingMap.delete(id);
    connection.failCalls();
    // Nest 11 has told that the client is disconnected.
    if (client.socket?.netSocket.readyState === 'open') client._status$?.next('connected');
  }
}

function boundMethodsOf(client: ClientTcp): Pick<ClientTcp, 'connect' | 'publish' | 'handleClose'> {
  return {
    connect: client.connect.bind(client),
    publish: client.publish.bind(client),
    handleClose: client.handleClose.bind(client),
  };
}

/** By what `ClientTCP` alone has of Nest's clients: a socket, and a map of those who wait. */
function isClientTcp(client: object): client is ClientTcp {
  const shape = client as Partial<Record<keyof ClientTcp, unknown>>;
  return (
    'socket' in client &&
    'connectionPromise' in client &&
    shape.routingMap instanceof Map &&
    [shape.connect, shape.publish, shape.handleClose].every((each) => typeof each === 'function')
  );
}
