import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { drainModules } from '../drain.module.js';
import { settings } from '../settings.js';
import { ledgerProtocol } from './ledger.js';
import { LedgerController } from './ledger.controller.js';
import { LedgerFile } from './ledger-file.js';

@Module({ imports: drainModules, controllers: [LedgerController], providers: [LedgerFile] })
class LedgerModule {}

const app = await NestFactory.createMicroservice<MicroserviceOptions>(LedgerModule, {
  transport: Transport.GRPC,
  options: { ...ledgerProtocol, url: settings.ledgerAddress },
});
app.enableShutdownHooks();
await app.listen();
