import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  ServiceUnavailableException,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { finalize, type Observable } from 'rxjs';
import { coreOf } from './core-of.js';
import { ALLOW_DURING_SHUTDOWN } from './metadata.js';

/**
 * What the interceptor needs of the core.
 *
 * @internal
 */
export interface InterceptedWork {
  /** Reports whether new work is refused. */
  readonly isRefusing: boolean;
  readonly retryAfterSeconds: number;
  readonly handlers: {
    begin(request: object | undefined, kind: string, name: string): () => void;
    isJudged(request: object | undefined): boolean;
  };
}

/**
 * Takes a lease for each handler it surrounds, and, where no server of the module has judged the request by its arrival, refuses late
 * work by itself with 503 and `Retry-After`, after guards.
 *
 * For HTTP routes the module does this without an interceptor (`httpTracking: 'routes'`); with `httpTracking: 'interceptor'` it installs this one. Use
 * it yourself (`@UseInterceptors(InFlightInterceptor)`) for microservice handlers, or behind an HTTP adapter of your own. Used together with
 * the module's own counting, a handler is counted once.
 *
 * @publicApi
 */
@Injectable()
export class InFlightInterceptor implements NestInterceptor {
  constructor(@Inject(ModulesContainer) private readonly modules: object) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const type = context.getType<string>();
    const isHttp = type === 'http';
    const request = isHttp ? context.switchToHttp().getRequest<object>() : undefined;
    if (this.work.isRefusing && !this.work.handlers.isJudged(request)) {
      if (Reflect.hasMetadata(ALLOW_DURING_SHUTDOWN, context.getHandler())) return next.handle();
      this.refuse(context, isHttp);
    }

    const name = `${context.getClass().name}.${context.getHandler().name}`;
    const end = this.work.handlers.begin(request, isHttp ? 'handler' : type, name);
    return next.handle().pipe(finalize(end));
  }

  /** Looked up with each call: an interceptor of another module may be made before the core is. */
  private get work(): InterceptedWork {
    return coreOf(this.modules);
  }

  private refuse(context: ExecutionContext, isHttp: boolean): never {
    if (isHttp) {
      const response = context.switchToHttp().getResponse<HeaderTarget>();
      const set = (response.setHeader ?? response.header)?.bind(response);
      set?.('Retry-After', String(this.work.retryAfterSeconds));
      set?.('Connection', 'close');
    }
    throw new ServiceUnavailableException('The server is shutting down');
  }
}

interface HeaderTarget {
  setHeader?(name: string, value: string): unknown;
  header?(name: string, value: string): unknown;
}
