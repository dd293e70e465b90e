import { describe, expect, it } from '@jest/globals';
import { EventStreams } from '../../../../src/drainables/sse/event-streams.js';
import { type StreamedResponse } from '../../../../src/drainables/sse/event-stream.js';
import { settle } from '../../../support/fake-clock.js';
import { FakeResponse } from './fake-response.js';

const request = { method: 'GET', headers: { accept: 'text/event-stream' } };
const head = { 'Content-Type': 'text/event-stream' };

function open(streams: EventStreams, ...args: unknown[]): FakeResponse {
  const response = new FakeResponse();
  streams.arrived(request, response);
  response.writeHead(200, ...(args.length > 0 ? args : [head]));
  return response;
}

describe('EventStreams', () => {
  it.each([
    ['an object', [{ 'content-TYPE': 'text/event-stream' }]],
    ['a message and an object', ['Fine', { 'Content-Type': 'text/event-stream; charset=utf-8' }]],
    ['a flat list', [['X-A', 'content-type', 'Content-Type', 'text/event-stream']]],
    ['a list of pairs', [[['Content-Type', 'text/event-stream']]]],
  ])('finds the content type in %s given to writeHead()', async (_what, args) => {
    const streams = new EventStreams({});
    const response = open(streams, ...args);
    await streams.drain();
    expect(response.wire).toEqual(['head 200', 'end']);
  });

  it('finds the content type that was set before', async () => {
    const streams = new EventStreams({});
    const response = new FakeResponse();
    streams.arrived(request, response);
    response.setHeader('Content-Type', 'text/event-stream');
    response.writeHead(200);
    await streams.drain();
    expect(response.wire).toEqual(['head 200', 'end']);
  });

  it.each([
    ['has another content type', { 'Content-Type': 'application/json' }],
    ['has none', {}],
    ['said how long it is', { ...head, 'Content-Length': 9 }],
  ])('leaves a response alone that %s', async (_what, headers) => {
    const streams = new EventStreams({ retryMs: 10 });
    const response = open(streams, headers);
    response.write('{}');
    await streams.drain();
    expect(response.wire).toEqual(['head 200', '{}']);
    response.end('.');
    expect(response.wire).toEqual(['head 200', '{}', '.', 'end']);
  });

  it('does not touch the response to a request that does not read events', () => {
    const response = new FakeResponse();
    const streams = new EventStreams({});
    streams.arrived({ method: 'GET', headers: { accept: '*/*' } }, response);
    streams.arrived({ method: 'POST', headers: request.headers }, response);
    expect(Object.keys(response)).not.toContain('write');
    expect(Object.keys(response)).not.toContain('writeHead');
  });

  it('lets handlers that hear the draining signal end theirs first', async () => {
    const streams = new EventStreams({ retryMs: 10 });
    const response = open(streams);
    const refused = streams.drain();
    await Promise.resolve();
    response.end('data: bye\n\n');
    await refused;
    expect(response.wire).toEqual(['head 200', 'data: bye\n\n', 'end']);
  });

  it('hints between events alone', async () => {
    const streams = new EventStreams({ retryMs: 1_000 }, () => 0.25);
    const [whole, half] = [open(streams), open(streams)];
    whole.write('data: a\n\n');
    half.write('data: a\n');
    await streams.drain();
    expect(whole.wire).toEqual(['head 200', 'data: a\n\n', 'retry: 750\n\n', 'end']);
    expect(half.wire).toEqual(['head 200', 'data: a\n', 'end']);
  });

  it('swallows what is written behind the end, and calls back', async () => {
    const streams = new EventStreams({});
    const response = open(streams);
    await streams.drain();
    let called = 0;
    expect(response.write('data: late\n\n', () => called++)).toBe(true);
    expect(response.write('data: late\n\n', 'utf8', () => called++)).toBe(true);
    expect(response.write('data: late\n\n')).toBe(true);
    expect(response.end('data: late\n\n', () => called++)).toBe(response);
    expect(response.end()).toBe(response);
    await settle();
    expect(called).toBe(3);
    expect(response.wire).toEqual(['head 200', 'end']);
  });

  it('leaves whoever ended a response to the errors that Node has for it', () => {
    const response = open(new EventStreams({}));
    response.end();
    expect(() => response.write('data: late\n\n')).toThrow('write after end');
  });

  it('lets middleware that wraps the response write what it still holds', async () => {
    const streams = new EventStreams({});
    const response = open(streams);
    const { write, end } = response as StreamedResponse;
    const held: unknown[] = [];
    response.write = (chunk) => Boolean(held.push(chunk));
    response.end = () => {
      setImmediate(() => {
        write(`[${held.join('')}]`);
        end();
      });
      return response;
    };
    response.write('data: a\n\n');
    await streams.drain();
    await settle();
    await settle();
    expect(response.wire).toEqual(['head 200', '[data: a\n\n]', 'end']);
    expect(write('late')).toBe(true);
  });

  it('ends a stream that opens while draining, once its handler has written what it opens with', async () => {
    const streams = new EventStreams({});
    const response = new FakeResponse();
    streams.arrived(request, response);
    await streams.drain();
    expect(response.wire).toEqual([]);
    response.writeHead(200, head);
    response.write('data: first\n\n');
    await settle();
    await settle();
    expect(response.wire).toEqual(['head 200', 'data: first\n\n', 'end']);
  });

  it('forgets a response that has closed, and leaves one alone that was destroyed', async () => {
    const streams = new EventStreams({});
    const [closed, destroyed] = [open(streams), open(streams)];
    closed.close();
    destroyed.destroyed = true;
    await streams.drain();
    expect(closed.wire).toEqual(['head 200']);
    expect(destroyed.wire).toEqual(['head 200']);
  });

  it('takes no turn of the event loop where there is no stream', async () => {
    let hasRefused = false;
    void new EventStreams({}).drain().then(() => (hasRefused = true));
    await Promise.resolve();
    expect(hasRefused).toBe(true);
  });

  it('holds nothing of its own', async () => {
    const streams = new EventStreams({});
    open(streams);
    await streams.drain();
    expect(await streams.forceClose()).toEqual([]);
  });
});
