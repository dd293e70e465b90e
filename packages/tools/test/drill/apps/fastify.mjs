/**
 * A Fastify application that closes on the signal, as its documentation says: it answers 503 at once, and the listener
 * is closed.
 */
import { fastify } from 'fastify';

const app = fastify();
app.get('/health/ready', async () => 'ready');
app.get('/', async () => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return 'answer';
});
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)));
