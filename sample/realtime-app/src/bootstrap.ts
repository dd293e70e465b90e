import { Logger, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { join } from 'node:path';
import { TwoKindsAdapter } from './live/two-kinds.adapter.js';

/** Starts the application, with nestjs-drain or without: the module it is given is all that differs. */
export async function bootstrap(AppModule: Type): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule);
  app.enableShutdownHooks();
  app.useWebSocketAdapter(new TwoKindsAdapter(app));
  app.useStaticAssets(join(import.meta.dirname, '../public'));
  await app.listen(process.env.PORT ?? 3000, '0.0.0.0');
  Logger.log(`Listening on ${await app.getUrl()}`, 'Main');
}
