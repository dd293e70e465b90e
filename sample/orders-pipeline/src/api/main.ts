import { NestFactory } from '@nestjs/core';
import { settings } from '../settings.js';
import { ApiModule } from './api.module.js';

const app = await NestFactory.create(ApiModule);
app.enableShutdownHooks();
await app.listen(settings.httpPort, '127.0.0.1');
