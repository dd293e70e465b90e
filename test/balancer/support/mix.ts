import { createHash } from 'node:crypto';
import { type RequestSpec } from '../../../packages/tools/src/drill/index.js';

const note = 'The quick brown fox jumps over the lazy dog. '.repeat(700); // 31 kB
const sum = createHash('sha256').update(note).digest('hex');
const lines = Array.from({ length: 10 }, (_, at) => `line ${at + 1}\n`).join('');

/**
 * What the clients ask of test/balancer/apps/orders.mjs: quick, slow, streaming, large and POST, each answer known to
 * its last byte.
 */
export const mix: readonly RequestSpec[] = [
  {
    name: 'quick',
    method: 'GET',
    path: '/orders/by-id/7',
    weight: 24,
    expect: { status: 200, body: '{"id":"7","item":"umbrella"}' },
  },
  post('small POST', 'x', createHash('sha256').update('x').digest('hex'), 6),
  post('large POST', note, sum, 3),
  { name: 'slow', method: 'GET', path: '/orders/report', expect: { status: 200, body: '{"report":"whole"}' } },
  { name: 'streaming', method: 'GET', path: '/orders/export', expect: { status: 200, body: `${lines}end\n` } },
  { name: 'large', method: 'GET', path: '/orders/blob', expect: { status: 200, body: isLarge } },
];

function post(name: string, text: string, hash: string, weight: number): RequestSpec {
  return {
    name,
    method: 'POST',
    path: '/orders',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ item: 'umbrella', note: text }),
    weight,
    expect: { status: 201, body: JSON.stringify({ item: 'umbrella', sum: hash }) },
  };
}

function isLarge(body: Buffer): boolean {
  return body.equals(Buffer.alloc(256 * 1024, 'nestjs-drain '));
}
