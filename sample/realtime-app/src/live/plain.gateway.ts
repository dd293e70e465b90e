import { type OnGatewayConnection, type OnGatewayDisconnect, WebSocketGateway } from '@nestjs/websockets';
import type { IncomingMessage } from 'node:http';
import type { Subscription } from 'rxjs';
import type { WebSocket } from 'ws';
import { lastSeen, MessageLog } from '../log/message-log.js';
import { PLAIN_PATH } from './two-kinds.adapter.js';

/** WebSockets as they are. The page says in the query what it has seen. */
@WebSocketGateway({ path: PLAIN_PATH })
export class PlainGateway implements OnGatewayConnection<WebSocket>, OnGatewayDisconnect<WebSocket> {
  private readonly reading = new WeakMap<WebSocket, Subscription>();

  constructor(private readonly log: MessageLog) {}

  handleConnection(client: WebSocket, request: IncomingMessage): void {
    const { searchParams } = new URL(request.url ?? '/', 'ws://localhost');
    const messages = this.log.after(lastSeen(searchParams.get('last') ?? undefined));
    this.reading.set(
      client,
      messages.subscribe((message) => client.send(JSON.stringify(message))),
    );
  }

  handleDisconnect(client: WebSocket): void {
    this.reading.get(client)?.unsubscribe();
  }
}
