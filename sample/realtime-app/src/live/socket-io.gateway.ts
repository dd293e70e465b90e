import { type OnGatewayConnection, type OnGatewayDisconnect, WebSocketGateway } from '@nestjs/websockets';
import type { Subscription } from 'rxjs';
import type { Socket } from 'socket.io';
import { lastSeen, MessageLog } from '../log/message-log.js';

/** socket.io. The page says in the handshake what it has seen. */
@WebSocketGateway()
export class SocketIoGateway implements OnGatewayConnection<Socket>, OnGatewayDisconnect<Socket> {
  private readonly reading = new WeakMap<Socket, Subscription>();

  constructor(private readonly log: MessageLog) {}

  handleConnection(client: Socket): void {
    const messages = this.log.after(lastSeen(client.handshake.auth.last));
    this.reading.set(
      client,
      messages.subscribe((message) => client.emit('message', message)),
    );
  }

  handleDisconnect(client: Socket): void {
    this.reading.get(client)?.unsubscribe();
  }
}
