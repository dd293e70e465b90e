import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { finalize, type Observable } from 'rxjs';
import { refuseHandler } from './handler-refusals.js';
import { type Refusals } from '../refusal/refusals.js';
import { coreOf } from '../in-flight/core-of.js';
import { ALLOW_DURING_SHUTDOWN } from '../in-flight/metadata.js';

/**
 * What the interceptor needs of the core.
 *
 * @internal
 */
export interface InterceptedWork {
  /** Reports whether new work is refused. */
  readonly isRefusing: boolean;
  /** Messages are counted, and refused where that loses nothing, by the transports they come by. */
  readonly transports: { readonly areDrained: boolean };
  readonly refusals: Refusals;
  readonly handlers: {
    begin(request: object | undefined, kind: string, name: string): () => void;
    isJudged(request: object | undefined): boolean;
  };
}

/**
 * Takes a lease for each handler it surrounds, and, where no server of the module has judged the request by its
 * arrival, refuses late work by itself, after guards, as the option `lateRequests` says: over HTTP with its status and
 * `Retry-After`, over GraphQL with the code `SERVICE_UNAVAILABLE`, over microservices and WebSockets with an exception
 * of Nest's own (`{ status: 'error', code: 'DRAINING' }`).
 *
 * For HTTP routes the module does this without an interceptor (`httpTracking: 'routes'`); with `httpTracking:
 * 'interceptor'` it installs this one. Use it yourself (`@UseInterceptors(InFlightInterceptor)`) behind an HTTP adapter
 * of your own. Used together with the module's own counting, a handler is counted once; messages of microservices pass
 * through it, for their transports count them.
 *
 * @publicApi
 */
@Injectable()
export class InFlightInterceptor implements NestInterceptor {
  /** Nest calls it. @internal */
  constructor(@Inject(ModulesContainer) private readonly modules: object) {}

  /** Takes a lease until the handler's observable has ended, or refuses the call. */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const type = context.getType<string>();
    if (type === 'rpc' && this.work.transports.areDrained) return next.handle();
    const request = requestOf(context, type);
    if (this.work.isRefusing && !this.work.handlers.isJudged(request)) {
      if (Reflect.hasMetadata(ALLOW_DURING_SHUTDOWN, context.getHandler())) return next.handle();
      return refuseHandler(context, this.work.refusals);
    }

    const name = `${context.getClass().name}.${context.getHandler().name}`;
    const end = this.work.handlers.begin(
      type === 'http' ? request : undefined,
      type === 'http' ? 'handler' : type,
      name,
    );
    return next.handle().pipe(finalize(end));
  }

  /** Looked up with each call: an interceptor of another module may be made before the core is. */
  private get work(): InterceptedWork {
    return coreOf(this.modules);
  }
}

/**
 * The request that a handler is called for, where it has one. Drivers of GraphQL hand it over in the context of the
 * operation.
 */
function requestOf(context: ExecutionContext, type: string): object | undefined {
  if (type === 'http') return context.switchToHttp().getRequest<object>();
  if (type !== 'graphql') return undefined;
  const operation = context.getArgByIndex<OperationContext | undefined>(2);
  return operation?.req ?? operation?.request ?? operation?.reply?.request;
}

interface OperationContext {
  readonly req?: object;
  readonly request?: object;
  readonly reply?: { readonly request?: object };
}
