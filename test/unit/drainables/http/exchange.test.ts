import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Connection } from '../../../../src/drainables/http/connection.js';
import { type Http1Exchange } from '../../../../src/drainables/http/http1-exchange.js';
import { InFlightTracker } from '../../../../src/in-flight/in-flight-tracker.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { fakeConnection, fakeExchange, FakeOwner, type FakeResponse, FakeSocket } from './fake-exchange.js';

let tracker: InFlightTracker;
let socket: FakeSocket;
let owner: FakeOwner;
let connection: Connection;

beforeEach(() => {
  tracker = new InFlightTracker(new FakeClock());
  socket = new FakeSocket();
  owner = new FakeOwner();
  toldConnections = [];
  connection = fakeConnection(owner, socket);
});

function begin(isComplete = true): Http1Exchange {
  const exchange = fakeExchange(tracker, undefined, connection, isComplete);
  tracker.add(exchange);
  return exchange;
}

const yes = () => true;
let toldConnections: Connection[];
const told = (each: Connection) => void toldConnections.push(each);

const responseOf = (exchange: Http1Exchange) => exchange.response as unknown as FakeResponse;

describe('Exchange', () => {
  it('is work until its response has closed and its handlers have ended, whichever comes last', () => {
    const first = begin();
    first.begin()();
    expect(tracker.size).toBe(1);
    first.endResponse();
    expect(tracker.size).toBe(0);

    const second = begin();
    const end = second.begin();
    second.endResponse();
    expect(tracker.size).toBe(1);
    end();
    expect(tracker.size).toBe(0);
    expect(tracker.finished).toBe(2);
  });

  it('ends its response once', () => {
    const exchange = begin();
    exchange.begin();
    exchange.endResponse();
    exchange.endResponse();
    expect(tracker.size).toBe(1);
  });

  it('is a request until its response has closed, and a handler from then on', () => {
    const exchange = begin();
    expect(exchange.kind).toBe('request');
    exchange.endResponse();
    expect(exchange.kind).toBe('handler');
  });

  it('is named after its route and never after its URL', () => {
    const exchange = begin();
    expect(exchange.name).toBe('GET (no route)');
    exchange.route = { method: 'GET', pattern: '/orders/:id', isHealth: false };
    expect(exchange.name).toBe('GET /orders/:id');
  });

  it('tells its client to leave when its head is written, and not before', () => {
    const exchange = begin();
    exchange.tellToLeave(yes, told);
    expect(connection.isTold).toBe(false);
    responseOf(exchange).writeHead(200);
    expect(responseOf(exchange).getHeader('connection')).toBe('close');
    expect({ saidClose: exchange.saidClose, isTold: connection.isTold }).toEqual({ saidClose: true, isTold: true });
    expect(toldConnections).toEqual([connection]);
  });

  it('does not tell when its head is out, or when nobody is to be told any longer', () => {
    const sent = begin();
    responseOf(sent).headersSent = true;
    sent.tellToLeave(yes, told);
    const late = begin();
    late.tellToLeave(() => false, told);
    responseOf(late).writeHead(200);
    expect(responseOf(late).getHeader('connection')).toBeUndefined();
    expect(connection.isTold).toBe(false);
  });

  it('leaves it to the last response on its connection', () => {
    const [first, last] = [begin(), begin()];
    first.tellToLeave(yes, told);
    last.tellToLeave(yes, told);
    responseOf(first).writeHead(200);
    expect(connection.isTold).toBe(false);
    responseOf(last).writeHead(200);
    expect([first.saidClose, last.saidClose]).toEqual([false, true]);
  });

  it('is not the last word with an informational head', () => {
    const exchange = begin();
    exchange.tellToLeave(yes, told);
    responseOf(exchange).writeHead(101, { Connection: 'Upgrade' });
    expect(responseOf(exchange).getHeader('connection')).toBe('Upgrade');
    responseOf(exchange).writeHead(200, { Connection: 'keep-alive' });
    expect(responseOf(exchange).getHeader('connection')).toBe('close');
  });
});

describe('Connection', () => {
  it('is idle, has begun a request, and is busy, by the bytes and exchanges it has seen', () => {
    expect(connection).toMatchObject({ isIdle: true, hasBegunRequest: false, isBusy: false });
    socket.bytesRead = 20;
    expect(connection).toMatchObject({ isIdle: false, hasBegunRequest: true, isBusy: false });
    const exchange = begin();
    expect(connection).toMatchObject({ isIdle: false, hasBegunRequest: false, isBusy: true });
    exchange.endResponse();
    expect(connection).toMatchObject({ isIdle: true, hasBegunRequest: false, isBusy: false });
    expect(owner.heard).toEqual(['rested']);
  });

  it('has begun a request when half of the next one came in during an answer', () => {
    const exchange = begin();
    socket.bytesRead = 60;
    exchange.endResponse();
    expect(connection).toMatchObject({ isIdle: false, hasBegunRequest: true });
  });

  it('is idle when what came in was the body of the last request', () => {
    const exchange = begin(false);
    socket.bytesRead = 60;
    exchange.endResponse();
    exchange.request.emit('close');
    expect(connection).toMatchObject({ isIdle: true, hasBegunRequest: false });
  });

  it('is idle after an empty line, which begins no request', () => {
    begin().endResponse();
    socket.bytesRead += 2;
    expect(connection).toMatchObject({ isIdle: true, hasBegunRequest: false });
    socket.bytesRead += 1;
    expect(connection).toMatchObject({ isIdle: false, hasBegunRequest: true });
  });

  it('rests when the last response of a pipeline has ended, in whichever order they end', () => {
    const [first, second, third] = [begin(), begin(), begin()];
    expect(connection.lastExchange).toBe(third);
    second.endResponse();
    third.endResponse();
    expect(connection.lastExchange).toBe(first);
    expect(owner.heard).toEqual([]);
    first.endResponse();
    expect(connection.lastExchange).toBeUndefined();
    expect(owner.heard).toEqual(['rested']);
  });

  it('rests when the rest of an answered request is in', () => {
    const exchange = begin(false);
    exchange.endResponse();
    expect(connection.isBusy).toBe(true);
    expect(owner.heard).toEqual([]);
    exchange.request.emit('close');
    expect(connection.isBusy).toBe(false);
    expect(owner.heard).toEqual(['rested']);
  });

  it('does not rest when another request has begun before the rest of the first was in', () => {
    const exchange = begin(false);
    exchange.endResponse();
    begin();
    exchange.request.emit('close');
    expect(owner.heard).toEqual([]);
  });

  it('remembers that a head which says close is out', () => {
    const exchange = begin();
    exchange.tellToLeave(yes, told);
    responseOf(exchange).writeHead(200);
    expect(connection.isLeaving).toBe(true);
    exchange.endResponse();
    expect([connection.saidClose, connection.isLeaving]).toEqual([true, true]);
  });

  it('is fresh until a request has come in, and unanswered while nobody speaks the protocol it was upgraded to', () => {
    expect(connection.isFresh).toBe(true);
    begin().endResponse();
    expect(connection.isFresh).toBe(false);
    socket.bytesWritten = 100;
    connection.upgraded({ kind: 'upgrade', name: 'echo', startedAt: 0 });
    expect([connection.isUnanswered, connection.isBusy]).toEqual([true, true]);
    socket.bytesWritten = 101;
    expect(connection.isUnanswered).toBe(false);
  });

  it('ends every response of a pipeline when its socket closes', () => {
    begin();
    begin();
    begin(false);
    connection.isUpgraded = true;
    socket.destroy();
    expect(tracker.size).toBe(0);
    expect(tracker.finished).toBe(3);
    expect(connection.isBusy).toBe(false);
    expect(owner.heard.at(-1)).toBe('closed');
  });
});
