/** The least that can be served, for the overhead of who stands in front of it: `bench/serve.mjs`. */
import { createServer } from 'node:http';

createServer((_, response) => response.end('ok')).listen(Number(process.env.BENCH_PORT), '127.0.0.1');
