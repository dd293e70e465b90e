import { type INestApplication } from '@nestjs/common';
import { DrainError, GracefulShutdown } from 'nestjs-drain';
import { type Server } from 'node:http';
import { type Backend } from '../drill/balancer.js';

/** The shutdown of the application, which must have `GracefulShutdownModule`. */
export function shutdownOf(app: INestApplication, caller: string): GracefulShutdown {
  try {
    return app.get(GracefulShutdown, { strict: false });
  } catch {
    throw new DrainError(
      'DRAIN_INVALID_ARGUMENT',
      `Expected ${caller} to be given an application with GracefulShutdownModule, got one without. ` +
        'Import GracefulShutdownModule.forRoot() in the module under test.',
    );
  }
}

/**
 * Where the application can be reached on this host. One that does not listen yet is made to, on a free loopback port.
 *
 * @throws DrainError `DRAIN_INVALID_ARGUMENT` for one that speaks TLS or HTTP/2, or listens on a path
 */
export async function backendOf(app: INestApplication, name: string): Promise<Backend> {
  const server = app.getHttpServer() as Server;
  if ('setSecureContext' in server || 'updateSettings' in server) {
    refuse('an application that speaks plain HTTP/1.1', 'one with TLS or HTTP/2');
  }
  if (!server.listening) await app.listen(0, '127.0.0.1');
  const address = server.address();
  if (typeof address !== 'object' || address === null) {
    refuse('an application that listens on a port', `one that listens on ${String(address)}`);
  }
  const isIpv6Loopback = address.address === '::1';
  return { name, host: isIpv6Loopback ? '::1' : '127.0.0.1', port: address.port };
}

function refuse(expected: string, got: string): never {
  throw new DrainError(
    'DRAIN_INVALID_ARGUMENT',
    `nestjs-drain-tools/testing: expected ${expected}, got ${got}. Create the application for the test without it.`,
  );
}
