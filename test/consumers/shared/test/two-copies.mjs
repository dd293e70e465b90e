/** Prints the error of an application with two copies of the package, as a bundler makes them. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GracefulShutdownModule } from 'nestjs-drain';
import { createRequire } from 'node:module';

const copy = createRequire(import.meta.url)('../node_modules/nestjs-drain/dist/index.cjs');

class AppModule {}
Module({ imports: [GracefulShutdownModule.forRoot(1_000), copy.GracefulShutdownModule.forRoot(1_000)] })(AppModule);
try {
  await NestFactory.create(AppModule, { logger: false, abortOnError: false });
  console.log('{}');
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }));
}
