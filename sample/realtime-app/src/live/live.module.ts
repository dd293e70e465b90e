import { Module } from '@nestjs/common';
import { MessageLog } from '../log/message-log.js';
import { EventsController } from './events.controller.js';
import { PlainGateway } from './plain.gateway.js';
import { SocketIoGateway } from './socket-io.gateway.js';

@Module({ controllers: [EventsController], providers: [MessageLog, PlainGateway, SocketIoGateway] })
export class LiveModule {}
