/** An application whose own server never listens: one that is attached does, or the transport of a microservice. */
import { createServer } from 'node:http';
import { Transport } from '@nestjs/microservices';
import { GracefulShutdown } from 'nestjs-drain';
import { create, enableHooks, follow, settings, tell } from './kit.mjs';

const app = await create({});
enableHooks(app);
follow(app);
if (settings.microservice) {
  app.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } });
  await app.startAllMicroservices();
  await app.init();
} else {
  await app.init();
  const server = createServer(app.getHttpAdapter().getInstance());
  app.get(GracefulShutdown).attachServer(server);
  server.listen(0, '127.0.0.1');
}
tell('started');
