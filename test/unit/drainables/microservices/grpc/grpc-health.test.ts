import { beforeEach, describe, expect, it } from '@jest/globals';
import { GrpcHealth } from '../../../../../src/drainables/microservices/grpc/grpc-health.js';
import { type GrpcHandler } from '../../../../../src/drainables/microservices/grpc/grpc-js.js';
import { FakeCall, FakeReadiness } from './fake-grpc.js';

const service = '/grpc.health.v1.Health/';

let readiness: FakeReadiness;
let health: GrpcHealth;
beforeEach(() => {
  readiness = new FakeReadiness();
  health = new GrpcHealth(readiness);
});

/** What the caller gets of a health service that answers with `answer`. */
function answered(answer: unknown, error: unknown = null): unknown[] {
  const handler: GrpcHandler = (_call, reply) => reply!(error, answer);
  let got: unknown[] = [];
  health.standInFor(`${service}Check`, handler)!.call(undefined, new FakeCall(), (...args) => (got = args));
  return got;
}

/** A message of google-protobuf. */
class Message {
  constructor(public status: number) {}
  getStatus(): number {
    return this.status;
  }
  setStatus(status: number): void {
    this.status = status;
  }
  cloneMessage(): Message {
    return new Message(this.status);
  }
}

describe('The health service', () => {
  it('is the one of grpc.health.v1, and no other', () => {
    expect(health.standInFor('/orders.Orders/Create', () => undefined)).toBeUndefined();
    expect(health.standInFor('/grpc.health.v1.Healthy/Check', () => undefined)).toBeUndefined();
  });

  it('answers as it likes while the application is ready, and is remembered to have been asked', () => {
    expect(answered({ status: 'SERVING' })).toEqual([null, { status: 'SERVING' }]);
    expect(readiness.asked).toBe(1);
  });

  it.each([
    [{ status: 'SERVING' }, { status: 'NOT_SERVING' }],
    [{ status: 1 }, { status: 2 }],
    [{ status: 'SERVICE_UNKNOWN' }, { status: 'SERVICE_UNKNOWN' }],
    [
      { statuses: { a: { status: 'SERVING' }, b: { status: 'UNKNOWN' } } },
      { statuses: { a: { status: 'NOT_SERVING' }, b: { status: 'UNKNOWN' } } },
    ],
    [new Message(1), new Message(2)],
    [new Message(0), new Message(0)],
    [undefined, undefined],
  ])('answers %j with %j once it is not', (answer, expected) => {
    readiness.becomes(false);
    expect(answered(answer)).toEqual([null, expected]);
  });

  it('leaves the message of the application as it is', () => {
    const kept = new Message(1);
    readiness.becomes(false);
    answered(kept);
    expect(kept.status).toBe(1);
  });

  it('hands an error on', () => {
    readiness.becomes(false);
    expect(answered(undefined, { code: 5 })).toEqual([{ code: 5 }, undefined]);
  });
});

describe('Whoever watches it', () => {
  const serves = { status: 'SERVING' };
  const doesNot = { status: 'NOT_SERVING' };
  let call: FakeCall;

  beforeEach(() => {
    call = new FakeCall();
    health.standInFor(`${service}Watch`, (watching) => watching.write!(serves))!.call(undefined, call);
  });

  it('is told of each change once', () => {
    readiness.becomes(true);
    readiness.becomes(false);
    readiness.becomes(false);
    readiness.becomes(true);
    expect(call.written).toEqual([serves, doesNot, serves]);
  });

  it('gets what the application says meanwhile in the same words', () => {
    readiness.becomes(false);
    call.write(serves);
    call.write({ status: 'SERVICE_UNKNOWN' });
    expect(call.written).toEqual([serves, doesNot, doesNot, { status: 'SERVICE_UNKNOWN' }]);
  });

  it('is sent away at the end, and the handler learns of it', () => {
    const seen: unknown[] = [];
    call.on('error', (error: { code: number }) => seen.push(error.code));
    call.on('cancelled', () => seen.push('cancelled'));
    health.endWatches();
    expect(seen).toEqual([14, 'cancelled']);
    expect(call.cancelled).toBe(true);
    readiness.becomes(false);
    expect(call.written).toEqual([serves]);
  });

  it('hears nothing before the application has said something, nor after its last word', () => {
    const asking = new FakeCall();
    health.standInFor(`${service}Watch`, () => undefined)!.call(undefined, asking);
    call.writableEnded = true;
    readiness.becomes(false);
    expect(asking.written).toHaveLength(0);
    expect(call.written).toEqual([serves]);
  });

  it('is forgotten when it has gone', () => {
    call.isOver();
    readiness.becomes(false);
    expect(call.written).toEqual([serves]);
  });
});
