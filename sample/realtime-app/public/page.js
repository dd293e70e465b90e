import { Card } from './card.js';

/** Server-sent events: the browser reconnects by itself, and says the last id it has seen. */
function serverSentEvents() {
  const card = new Card('events', 'Server-sent events');
  const source = new EventSource('events');
  source.addEventListener('open', () => card.connected());
  source.addEventListener('message', ({ data }) => card.received(JSON.parse(data)));
  // CLOSED means that it has given up, as it does for good on anything but 200.
  source.addEventListener('error', () => card.lost(source.readyState === EventSource.CLOSED ? 'given up' : undefined));
}

/** A bare WebSocket reconnects when the page does: at once when the server is going away, and else after a moment. */
function webSocket() {
  const card = new Card('ws', 'WebSocket');
  const connect = () => {
    const socket = new WebSocket(`ws?last=${card.last ?? ''}`);
    socket.addEventListener('open', () => card.connected());
    socket.addEventListener('message', ({ data }) => card.received(JSON.parse(data)));
    socket.addEventListener('close', ({ code }) => {
      card.lost();
      setTimeout(connect, code === 1001 ? 0 : 250);
    });
  };
  connect();
}

/**
 * socket.io reconnects by itself. Long polling, its other way, would need a balancer that sends a client to the same
 * replica each time.
 */
function socketIo() {
  const card = new Card('socket.io', 'socket.io');
  const socket = io({
    transports: ['websocket'],
    reconnectionDelay: 100,
    auth: (answer) => answer({ last: card.last }),
  });
  socket.on('connect', () => card.connected());
  socket.on('message', (message) => card.received(message));
  socket.on('disconnect', () => card.lost());
}

serverSentEvents();
webSocket();
socketIo();
