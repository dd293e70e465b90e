import { type RequestHead } from '../admission/admission.js';
import { type ResolvedLateRequestOptions } from './late-request-options.js';
import { type WholeAnswer } from './whole-answer.js';

type Cors = ResolvedLateRequestOptions['cors'];

/**
 * The headers with which a browser lets the code of another origin read a refusal. None where the options, or the
 * request, do not ask for them.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function corsHeaders(request: RequestHead, cors: Cors): Readonly<Record<string, string>> {
  const origin = allowedOrigin(request, cors);
  if (origin === undefined) return {};
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': 'Retry-After',
    Vary: 'Origin',
  };
}

/**
 * The answer to a preflight whose request may be sent: it is the request that is refused then, and its refusal can be
 * read.
 */
export function preflightAnswer(request: RequestHead, cors: Cors): WholeAnswer | undefined {
  const { method, headers } = request;
  const asked = text(headers['access-control-request-method']);
  const origin = method === 'OPTIONS' && asked !== undefined ? allowedOrigin(request, cors) : undefined;
  if (origin === undefined) return undefined;
  const askedHeaders = text(headers['access-control-request-headers']);
  return {
    statusCode: 204,
    headers: {
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Methods': asked!,
      ...(askedHeaders !== undefined && { 'Access-Control-Allow-Headers': askedHeaders }),
      Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    },
    body: '',
  };
}

function allowedOrigin({ headers }: RequestHead, cors: Cors): string | undefined {
  const origin = text(headers.origin);
  if (origin === undefined || cors === false) return undefined;
  if (cors === true) return origin;
  try {
    return cors(origin) === true ? origin : undefined;
  } catch {
    // The refusal goes out whatever the function of the application does.
    return undefined;
  }
}

function text(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
