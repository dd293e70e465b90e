import { type ExecutionContext, HttpException, ServiceUnavailableException } from '@nestjs/common';
import { defer, from, mergeMap, type Observable, throwError } from 'rxjs';
import { type RequestHead } from '../admission/admission.js';
import { corsHeaders } from '../refusal/cors.js';
import { refusalMessage } from '../words/refusal.js';
import { messageRefusal, type Refusals } from '../refusal/refusals.js';

/**
 * The class whose instances the exception handlers of a transport hand on to the client. All others become "Internal
 * server error".
 */
const exceptionClasses: Readonly<Record<string, readonly [packageName: string, className: string]>> = {
  rpc: ['@nestjs/microservices', 'RpcException'],
  ws: ['@nestjs/websockets', 'WsException'],
};

type ExceptionClass = new (error: unknown) => Error;

/**
 * Refuses late work where no server of the module has judged it by its arrival, in the way that the handler's kind
 * understands. Over HTTP it is what the servers answer; Nest's exception filters see it on its way.
 *
 * @returns what fails with the refusal, for kinds whose error is not at hand at once
 * @throws HttpException for HTTP and GraphQL
 */
export function refuseHandler(context: ExecutionContext, refusals: Refusals): Observable<never> {
  refusals.count();
  const kind = context.getType<string>();
  if (kind === 'http') throw overHttp(context, refusals);
  if (kind === 'graphql') throw overGraphql(refusals);
  return defer(() => from(messageException(kind))).pipe(mergeMap((error) => throwError(() => error)));
}

function overHttp(context: ExecutionContext, { options, bodyObject }: Refusals): HttpException {
  const response = context.switchToHttp().getResponse<HeaderTarget>();
  const request = context.switchToHttp().getRequest<Partial<RequestHead> & { readonly httpVersionMajor?: number }>();
  const set = (response.setHeader ?? response.header)?.bind(response);
  set?.('Retry-After', String(options.retryAfterSeconds));
  // HTTP/2 has no such header, and Node warns of it.
  if ((request.httpVersionMajor ?? 1) < 2) set?.('Connection', 'close');
  const cors = request.headers ? corsHeaders({ ...request, headers: request.headers }, options.cors) : {};
  for (const [name, value] of Object.entries(cors)) set?.(name, value);
  const isUnavailable = options.statusCode === 503;
  return isUnavailable
    ? new ServiceUnavailableException(bodyObject)
    : new HttpException(bodyObject, options.statusCode);
}

/** GraphQL takes `extensions` over from the error that a resolver throws; Apollo takes its status from them. */
function overGraphql({ options: { statusCode } }: Refusals): HttpException {
  // With an object as its body the drivers of Nest would take it for an HTTP error, and put codes of their own in the
  // place of this one.
  const error = new HttpException(refusalMessage, statusCode);
  return Object.assign(error, { extensions: { code: 'SERVICE_UNAVAILABLE', http: { status: statusCode } } });
}

/**
 * The refusal of a message. Its class is looked up only now: the packages are optional, and whoever has such a handler
 * has loaded its package long ago. Where it is not found the error has the same shape.
 */
async function messageException(kind: string): Promise<Error> {
  const [packageName, className] = exceptionClasses[kind] ?? [];
  const found = packageName === undefined ? undefined : await exceptionClass(packageName, className!);
  if (found) return new found(messageRefusal);
  return Object.assign(new Error(refusalMessage), { error: messageRefusal, getError: () => messageRefusal });
}

async function exceptionClass(packageName: string, className: string): Promise<ExceptionClass | undefined> {
  try {
    const loaded = (await import(packageName)) as Record<string, ExceptionClass | undefined>;
    return loaded[className];
  } catch {
    return undefined;
  }
}

interface HeaderTarget {
  setHeader?(name: string, value: string): unknown;
  header?(name: string, value: string): unknown;
}
