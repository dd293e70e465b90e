import 'reflect-metadata';
import { type DynamicModule, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { request as send } from 'node:http';
import { type AddressInfo } from 'node:net';

export const frameworks = ['express', 'fastify'] as const;
export type Framework = (typeof frameworks)[number];

/** The ways in which applications and their tests are made. */
export const factories = {
  NestFactory: (module: DynamicModule, framework: Framework): Promise<INestApplication> =>
    NestFactory.create(module, adapterOf(framework), { logger: false, abortOnError: false }),
  'Test.createTestingModule': async (module: DynamicModule, framework: Framework): Promise<INestApplication> => {
    const compiled = await Test.createTestingModule({ imports: [module] }).compile();
    return compiled.createNestApplication(adapterOf(framework), { logger: false });
  },
};
export type Factory = keyof typeof factories;

function adapterOf(framework: Framework): ExpressAdapter | FastifyAdapter {
  return framework === 'express' ? new ExpressAdapter() : new FastifyAdapter();
}

/** Listens on a free loopback port. Returns the application's base URL. */
export async function listen(app: INestApplication): Promise<string> {
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  return `http://127.0.0.1:${port}`;
}

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: unknown;
}

/** One request, on a connection of its own. */
export function get(url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = send(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) as unknown }),
      );
    });
    outgoing.on('error', reject).end();
  });
}
