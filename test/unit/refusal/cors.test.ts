import { describe, expect, it } from '@jest/globals';
import { corsHeaders, preflightAnswer } from '../../../src/refusal/cors.js';

const origin = 'https://shop.example';
const get = { method: 'GET', headers: { origin } };
const preflight = {
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-token' },
};

describe('corsHeaders', () => {
  it('lets the origin read the refusal and its Retry-After, without credentials', () => {
    expect(corsHeaders(get, true)).toEqual({
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Expose-Headers': 'Retry-After',
      Vary: 'Origin',
    });
  });

  it('asks a function for each origin', () => {
    const asked: string[] = [];
    const cors = (each: string) => asked.push(each) > 0 && each === origin;
    expect(corsHeaders(get, cors)).toMatchObject({ 'Access-Control-Allow-Origin': origin });
    expect(corsHeaders({ headers: { origin: 'https://other.example' } }, cors)).toEqual({});
    expect(asked).toEqual([origin, 'https://other.example']);
  });

  it('is empty without an origin, without the option, and where the function fails', () => {
    expect(corsHeaders({ headers: {} }, true)).toEqual({});
    expect(corsHeaders(get, false)).toEqual({});
    const broken = () => {
      throw new Error('broken');
    };
    expect(corsHeaders(get, broken)).toEqual({});
    expect(corsHeaders(get, () => 'yes' as unknown as boolean)).toEqual({});
  });
});

describe('preflightAnswer', () => {
  it('allows what is asked for', () => {
    expect(preflightAnswer(preflight, true)).toEqual({
      statusCode: 204,
      headers: {
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Allow-Methods': 'PUT',
        'Access-Control-Allow-Headers': 'x-token',
        Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      },
      body: '',
    });
  });

  it('is none to what is no preflight, and where the origin is not allowed', () => {
    expect(preflightAnswer({ ...preflight, method: 'GET' }, true)).toBeUndefined();
    expect(preflightAnswer({ method: 'OPTIONS', headers: { origin } }, true)).toBeUndefined();
    expect(preflightAnswer(preflight, false)).toBeUndefined();
    expect(preflightAnswer(preflight, () => false)).toBeUndefined();
  });
});
