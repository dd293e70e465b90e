/** The least that can be served, for the overhead of who stands in front of it: `overhead.mjs`. */
import { createServer } from 'node:http';

createServer((_, response) => response.end('ok')).listen(JSON.parse(process.env.DRAIN_SETTINGS).port, '127.0.0.1');
