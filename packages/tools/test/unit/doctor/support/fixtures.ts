import { readFileSync } from 'node:fs';
import { type Source } from '../../../../src/doctor/read/source.js';

/** Jest runs in the root of the package. */
export const folder = 'packages/tools/test/unit/doctor/fixtures';

export function fixture(name: string): Source {
  return { name, text: readFileSync(`${folder}/${name}`, 'utf8') };
}

/** No file of its own, for it would be compiled with the tests. */
const program = `import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { AppModule } from './app.module.js';

async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule);
  app.connectMicroservice<MicroserviceOptions>({
    transport: Transport.NATS,
    options: { servers: ['nats://nats:4222'], queue: 'orders' },
  });
  // Not prefetchCount: 0.
  app.connectMicroservice<MicroserviceOptions>({
    transport: Transport.RMQ,
    options: { urls: ['amqp://rabbit'], queue: 'orders', noAck: false, prefetchCount: 10 },
  });
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.listen(3000);
}
void bootstrap();
`;

export const clean = {
  manifests: fixture('clean/manifests.yaml'),
  dockerfile: fixture('clean/Dockerfile'),
  package: fixture('clean/package.json'),
  pm2: fixture('clean/ecosystem.config.cjs'),
  compose: fixture('clean/compose.yaml'),
  ecs: fixture('clean/taskdef.json'),
  fly: fixture('clean/fly.toml'),
  render: fixture('clean/render.yaml'),
  procfile: fixture('clean/Procfile'),
  systemd: fixture('clean/orders.service'),
  program: { name: 'clean/main.ts', text: program },
};
export const cleanSources: readonly Source[] = Object.values(clean);

/** Replaces what must stand there once. */
export function mutated({ name, text }: Source, from: string, to: string): Source {
  const { length } = text.split(from);
  if (length !== 2) throw new Error(`Expected '${from}' once in ${name}, got it ${length - 1} times.`);
  return { name, text: text.replace(from, () => to) };
}

/** The line, beginning at 1, that holds a text which must stand there. */
export function lineOf({ name, text }: Source, wanted: string): number {
  const line = text.split('\n').findIndex((each) => each.includes(wanted));
  if (line === -1) throw new Error(`Expected '${wanted}' in ${name}.`);
  return line + 1;
}
