/** A service that starts twice, and not again: `COUNTER` names the file in which it counts. */
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';

appendFileSync(process.env.COUNTER, '.');
if (readFileSync(process.env.COUNTER, 'utf8').length > 2) throw new Error('no database');
createServer((_req, res) => res.end('answer')).listen(Number(process.env.PORT), '127.0.0.1');
