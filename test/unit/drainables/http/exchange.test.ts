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
  connection = fakeConnection(owner, socket);
});

function begin(isComplete = true): Http1Exchange {
  const exchange = fakeExchange(tracker, undefined, connection, isComplete);
  tracker.add(exchange);
  return exchange;
}

const responseOf = (exchange: Http1Exchange) => exchange.response as unknown as FakeResponse;

describe('Exchange', () => {
  it('is work until its response has closed and its handlers have ended, whichever comes last', () => {
    const first = begin();
    first.hold();
    first.drop();
    expect(tracker.size).toBe(1);
    first.endResponse();
    expect(tracker.size).toBe(0);

    const second = begin();
    second.hold();
    second.endResponse();
    expect(tracker.size).toBe(1);
    second.drop();
    expect(tracker.size).toBe(0);
    expect(tracker.finished).toBe(2);
  });

  it('ends its response once', () => {
    const exchange = begin();
    exchange.hold();
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

  it('tells its client to leave while its head is unsent, and takes it back', () => {
    const exchange = begin();
    expect(exchange.tellToLeave()).toBe(true);
    expect(responseOf(exchange).getHeader('connection')).toBe('close');
    expect(connection.isTold).toBe(true);
    exchange.takeBack();
    expect(responseOf(exchange).getHeader('connection')).toBeUndefined();
  });

  it('does not tell when its head is out', () => {
    const exchange = begin();
    responseOf(exchange).headersSent = true;
    expect(exchange.tellToLeave()).toBe(false);
    expect(connection.isTold).toBe(false);
  });

  it('does not take back what the application has said itself, or what is out', () => {
    const theirs = begin();
    responseOf(theirs).setHeader('Connection', 'close');
    theirs.takeBack();
    expect(responseOf(theirs).getHeader('connection')).toBe('close');

    const sent = begin();
    sent.tellToLeave();
    responseOf(sent).headersSent = true;
    sent.takeBack();
    expect(sent.saidClose).toBe(true);
  });

  it('has said close once a head with it is out, unless a framework has written over it', () => {
    const exchange = begin();
    exchange.tellToLeave();
    expect(exchange.saidClose).toBe(false);
    responseOf(exchange).headersSent = true;
    expect(exchange.saidClose).toBe(true);
    responseOf(exchange).setHeader('Connection', 'keep-alive');
    expect(exchange.saidClose).toBe(false);
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
    exchange.tellToLeave();
    responseOf(exchange).headersSent = true;
    exchange.endResponse();
    expect(connection.saidClose).toBe(true);
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
