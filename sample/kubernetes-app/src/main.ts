import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { outliveTheBalancer } from './keep-alive.js';

const app = await NestFactory.create<NestExpressApplication>(AppModule);
app.enableShutdownHooks();
outliveTheBalancer(app.getHttpServer());
await app.listen(process.env.PORT ?? 3000, '0.0.0.0');
Logger.log(`Listening on ${await app.getUrl()}`, 'Main');
