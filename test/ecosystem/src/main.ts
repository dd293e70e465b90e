/**
 * One application in a process of its own: `node main.js <application> <express|fastify>
 * <bare|routes|interceptor|control>`. Says its port, and does what it is told over IPC.
 */
import 'reflect-metadata';
import { type AddressInfo } from 'node:net';
import { type DynamicModule, type INestApplication, Module } from '@nestjs/common';
import { GracefulShutdown, GracefulShutdownModule } from 'nestjs-drain';
import { type AdapterName, type MakeApplication } from './application.js';
import { bootstrapLines } from './bootstrap-log.js';
import { releaseHeld } from './held.js';
import { type FromServer, type ToServer, type VariantName } from './messages.js';

const [name, adapter, variant] = process.argv.slice(2) as [string, AdapterName, VariantName];
const send = (message: FromServer): void => void process.send?.(message);

const unhandled: string[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(String(reason)));
const warnings: string[] = [];
process.on('warning', (warning) => warnings.push(`${warning.name}: ${warning.message}`));

/** Tells the runner how far the shutdown is. */
@Module({})
class ObserverModule {
  constructor(shutdown: GracefulShutdown) {
    shutdown.onShutdown('draining', () => send({ type: 'draining' }));
    void shutdown.closed.then((report) => send({ type: 'report', report }));
  }
}

function modulesOf(variant: VariantName): DynamicModule[] {
  if (variant === 'bare' || variant === 'control') return [];
  // Told how long it has, the module says nothing at bootstrap of what it would assume.
  const options = { httpTracking: variant, gracePeriodMs: 30_000 };
  return [GracefulShutdownModule.forRoot(options), { module: ObserverModule }];
}

const { make } = (await import(`./applications/${name}.js`)) as { make: MakeApplication };
const app = await make({ adapter, imports: modulesOf(variant) });
if (variant === 'control') addOneHeader(app);
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
const facts = { log: [...bootstrapLines], unhandled, warnings };

/** The smallest difference that there can be, to show that it is seen. */
function addOneHeader(app: INestApplication): void {
  app.use((_request: unknown, response: import('node:http').ServerResponse, next: () => void) => {
    response.setHeader('X-Control', '1');
    next();
  });
}

process.on('message', async (message: ToServer) => {
  switch (message.type) {
    case 'facts':
      return send({ type: 'facts', ...facts });
    case 'release':
      return releaseHeld();
    case 'awake':
      // In turns: none of them passes while the machine lets it stand still.
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 20));
      return send(message);
    case 'close':
      await app.close();
      // What keeps the process now is the application's, or the module's.
      return process.disconnect();
  }
});
process.on('disconnect', () => {
  if (variant === 'control') process.exit(0);
});

send({ type: 'listening', port: (app.getHttpServer().address() as AddressInfo).port });
