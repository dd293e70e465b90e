import { describe, expect, it } from '@jest/globals';
import { durationOf } from '../../../src/drill/duration-text.js';
import { isLoopback, requestOf, requestsOf } from '../../../src/drill/request-line.js';

const here = { allowRemote: false };

describe('requestOf', () => {
  it('reads a method and a path', () => {
    expect(requestOf('DELETE /orders/7', here)).toMatchObject({
      name: 'DELETE /orders/7',
      method: 'DELETE',
      path: '/orders/7',
      weight: undefined,
      headers: undefined,
      body: undefined,
    });
  });

  it('takes GET when there is a path alone', () => {
    expect(requestOf('/orders?page=2', here)).toMatchObject({ method: 'GET', path: '/orders?page=2' });
  });

  it('reads weight, status, length, headers and body, with quotes', () => {
    const line = `POST /orders weight=3 status=201 length=12 header='Content-Type: application/json' header="X-Shop: a \\"b\\"" body='{"item": "tea"}'`;
    expect(requestOf(line, here)).toEqual({
      name: 'POST /orders',
      method: 'POST',
      path: '/orders',
      weight: 3,
      headers: { 'Content-Type': 'application/json', 'X-Shop': 'a "b"' },
      body: '{"item": "tea"}',
      expect: { status: 201, body: 12 },
    });
  });

  it('reads a body from a file', () => {
    const readFile = (path: string): string => `content of ${path}`;
    expect(requestOf('POST /orders body=@order.json', { ...here, readFile }).body).toBe('content of order.json');
  });

  it.each([
    ['GET', /has no path/],
    ['GET orders', /must begin with '\/'/],
    ['GET //evil.example/orders', /must begin with '\/'/],
    ['GET https://127.0.0.1/orders', /must begin with '\/'/],
    ['GET /orders weight=0', /weight .* must be a whole number from 1 on, got '0'/],
    ['GET /orders wait=1', /'wait=1' .* is none of weight=, status=, length=, header=, body=/],
    ['GET /orders header=nonsense', /must be as header='Name: value'/],
    ['POST /orders body=@missing.json', /missing\.json cannot be read \(ENOENT\)/],
  ])('refuses %s in one line', (line, message) => {
    expect(() => requestOf(line, here)).toThrow(message);
  });

  it('leaves this machine only when it may', () => {
    expect(() => requestOf('GET http://shop.example/orders', here)).toThrow(/only with --allow-remote/);
    expect(requestOf('GET http://shop.example/orders', { allowRemote: true }).path).toBe('http://shop.example/orders');
    expect(requestOf('GET http://127.0.0.1:8080/orders', here).path).toBe('http://127.0.0.1:8080/orders');
  });
});

describe('isLoopback', () => {
  it.each(['localhost', 'api.localhost', '127.0.0.1', '127.1.2.3', '[::1]'])('knows %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(['localhost.example', '128.0.0.1', '127.0.0.1.example', '10.0.0.1', '0.0.0.0'])(
    'does not take %s for it',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});

describe('requestsOf', () => {
  it('reads a request a line, and leaves out comments and empty lines', () => {
    const readFile = (): string => '# what a shop asks\nGET /orders weight=2\n\n  /orders/7\r\n';
    expect(requestsOf('urls.txt', { ...here, readFile }).map(({ name, weight }) => [name, weight])).toEqual([
      ['GET /orders', 2],
      ['GET /orders/7', undefined],
    ]);
  });

  it('refuses a file without any', () => {
    expect(() => requestsOf('urls.txt', { ...here, readFile: () => '# later\n' })).toThrow(/urls\.txt has no requests/);
  });
});

describe('durationOf', () => {
  it.each([
    ['0', 0],
    ['250', 250],
    ['500ms', 500],
    ['1.5s', 1_500],
    [' 2m ', 120_000],
  ])('reads %s', (text, ms) => {
    expect(durationOf(text, '--lag')).toBe(ms);
  });

  it.each(['', '-1s', '2 fortnights', 's', '1e9s', '99999999m'])('refuses %p and names the option', (text) => {
    expect(() => durationOf(text, '--lag')).toThrow(/^--lag takes a duration/);
  });
});
