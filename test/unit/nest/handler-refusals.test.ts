import { describe, expect, it } from '@jest/globals';
import { type ExecutionContext, type HttpException, ServiceUnavailableException } from '@nestjs/common';
import { BaseRpcExceptionFilter, RpcException } from '@nestjs/microservices';
import { WsException } from '@nestjs/websockets';
import { firstValueFrom, type Observable } from 'rxjs';
import { refuseHandler } from '../../../src/nest/handler-refusals.js';
import { type ResolvedLateRequestOptions } from '../../../src/refusal/late-request-options.js';
import { Refusals } from '../../../src/refusal/refusals.js';
import { FakeClock } from '../../support/fake-clock.js';

const message = 'The server is shutting down';
const defaults = { statusCode: 503, retryAfterSeconds: 7, listener: 'open', cors: true } as const;

function refuse(kind: string, options: Partial<ResolvedLateRequestOptions> = {}, httpVersionMajor = 1) {
  const headers: Record<string, string> = {};
  let refused = 0;
  const refusals = new Refusals({ ...defaults, ...options }, { clock: new FakeClock(), refused: () => refused++ });
  const context = {
    getType: () => kind,
    switchToHttp: () => ({
      getRequest: () => ({ httpVersionMajor, headers: { origin: 'https://shop.example' } }),
      getResponse: () => ({ setHeader: (name: string, value: string) => (headers[name] = value) }),
    }),
  } as unknown as ExecutionContext;
  let thrown: unknown;
  let answer: Observable<never> | undefined;
  try {
    answer = refuseHandler(context, refusals);
  } catch (error) {
    thrown = error;
  }
  const failed = answer && firstValueFrom(answer).catch((error: unknown) => error as Error);
  return { thrown, failed, headers, refused };
}

describe('refuseHandler()', () => {
  it('throws over HTTP what the servers answer, with its headers', () => {
    const { thrown, headers, refused } = refuse('http');
    expect(thrown).toBeInstanceOf(ServiceUnavailableException);
    expect((thrown as HttpException).getResponse()).toEqual({
      message,
      error: 'Service Unavailable',
      statusCode: 503,
    });
    expect(headers).toEqual({
      'Retry-After': '7',
      Connection: 'close',
      'Access-Control-Allow-Origin': 'https://shop.example',
      'Access-Control-Expose-Headers': 'Retry-After',
      Vary: 'Origin',
    });
    expect(refused).toBe(1);
  });

  it('throws with the status of the options', () => {
    const { thrown } = refuse('http', { statusCode: 429 });
    expect((thrown as HttpException).getStatus()).toBe(429);
    expect((thrown as HttpException).getResponse()).toMatchObject({ error: 'Too Many Requests', statusCode: 429 });
  });

  it('says nothing of a connection over HTTP/2', () => {
    expect(refuse('http', {}, 2).headers).not.toHaveProperty('Connection');
  });

  it('throws over GraphQL an error with the code and the status', () => {
    const { thrown } = refuse('graphql', { statusCode: 429 });
    expect(thrown).toMatchObject({ message, extensions: { code: 'SERVICE_UNAVAILABLE', http: { status: 429 } } });
  });

  it('fails over a transport with what its callers are told', async () => {
    const error = await refuse('rpc').failed;
    expect(error).toBeInstanceOf(RpcException);
    const handled = new BaseRpcExceptionFilter().catch(error, undefined as never);
    const told = await firstValueFrom(handled).catch((reason: unknown) => reason);
    expect(told).toEqual({ status: 'error', code: 'DRAINING', message });
  });

  it('fails over WebSockets with what clients are told', async () => {
    const error = await refuse('ws').failed;
    expect(error).toBeInstanceOf(WsException);
    expect((error as WsException).getError()).toMatchObject({ status: 'error', code: 'DRAINING', message });
  });

  it('fails with an error of the same shape where the kind is not known', async () => {
    const error = (await refuse('carrier pigeon').failed) as RpcException;
    expect(error).toBeInstanceOf(Error);
    expect([error.message, error.getError()]).toEqual([message, { status: 'error', code: 'DRAINING', message }]);
  });
});
