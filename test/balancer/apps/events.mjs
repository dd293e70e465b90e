import { Controller, Headers, Sse } from '@nestjs/common';
import { Observable } from 'rxjs';
import { provider, route } from './decorate.mjs';

const periodMs = 100;

/**
 * An event every 100 ms, numbered by the wall clock: every replica on one machine gives an event the same number. Who
 * comes back with `Last-Event-ID` is sent what he has missed.
 */
export class EventsController {
  events(lastEventId) {
    return new Observable((client) => {
      let next = lastEventId ? Number(lastEventId) + 1 : latest() + 1;
      const send = () => {
        for (; next <= latest(); next++) client.next({ id: String(next), data: String(next * periodMs) });
      };
      send();
      const timer = setInterval(send, periodMs / 4);
      return () => clearInterval(timer);
    });
  }
}

function latest() {
  return Math.floor(Date.now() / periodMs);
}

provider(EventsController, [], Controller());
route(EventsController, 'events', [Sse('events')], [Headers('last-event-id')]);
