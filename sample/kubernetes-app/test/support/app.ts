import type { Type } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';

export interface RunningApp {
  app: NestExpressApplication;
  url: string;
}

/** The application on a port of its own, with an embedded PostgreSQL, and silent. */
export async function start(AppModule: Type): Promise<RunningApp> {
  process.env.DATABASE_URL = '';
  const moduleRef = await Test.createTestingModule({ imports: [AppModule] }).compile();
  const app = moduleRef.createNestApplication<NestExpressApplication>({ logger: false });
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}

/** A request whose failure is a value, because nobody awaits it while the application closes. */
export async function ask(url: string): Promise<{ status?: number; body?: unknown; error?: string }> {
  try {
    const response = await fetch(url);
    return { status: response.status, body: await response.json() };
  } catch (error) {
    return { error: String(error) };
  }
}

export function postJson(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
