import { NestFactory } from '@nestjs/core';
import { type Server } from 'node:http';
import { settings } from '../settings.js';
import { ApiModule } from './api.module.js';

const app = await NestFactory.create(ApiModule);
app.enableShutdownHooks();
// Longer than whoever pools connections to it keeps them: the client closes first, and no request meets a close.
(app.getHttpServer() as Server).keepAliveTimeout = 65_000;
await app.listen(settings.httpPort, '127.0.0.1');
