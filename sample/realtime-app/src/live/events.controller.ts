import { Controller, Headers, type MessageEvent, Sse } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { lastSeen, MessageLog } from '../log/message-log.js';

/** Server-sent events. A browser sends the last `id` back by itself when it reconnects. */
@Controller()
export class EventsController {
  constructor(private readonly log: MessageLog) {}

  @Sse('events')
  events(@Headers('last-event-id') last?: string): Observable<MessageEvent> {
    return this.log.after(lastSeen(last)).pipe(map((message) => ({ id: String(message.n), data: message })));
  }
}
