/** A server that ends with http-terminator, as its documentation says. */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { createHttpTerminator } = createRequire(import.meta.url)('http-terminator');
const server = createServer((_req, res) => setTimeout(() => res.end('answer'), 20));
const terminator = createHttpTerminator({ server });
server.listen(Number(process.env.PORT), '127.0.0.1');
process.once('SIGTERM', () => void terminator.terminate().then(() => process.exit(0)));
