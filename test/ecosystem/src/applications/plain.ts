import { createReadStream } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import {
  All,
  type ArgumentsHost,
  Body,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  Delete,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  Header,
  Headers,
  HttpCode,
  HttpException,
  type MiddlewareConsumer,
  Module,
  type NestInterceptor,
  type NestModule,
  NotFoundException,
  Param,
  ParseIntPipe,
  Patch,
  Post,
  Put,
  Query,
  Redirect,
  Res,
  Scope,
  Search,
  Sse,
  StreamableFile,
  UnauthorizedException,
  UseFilters,
  UseGuards,
  UseInterceptors,
  Version,
  VERSION_NEUTRAL,
  VersioningType,
} from '@nestjs/common';
import { EMPTY, map, type Observable, of, take, throwError, timer } from 'rxjs';
import { assemble, type MakeApplication } from '../application.js';

class DenyingGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

class ThrowingGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    throw new UnauthorizedException();
  }
}

class WrappingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

interface AnyReply {
  status(code: number): AnyReply;
  send(body: unknown): unknown;
  header(name: string, value: string): AnyReply;
  raw?: import('node:http').ServerResponse;
  hijack?(): void;
}

const replyOf = (host: ArgumentsHost): AnyReply => host.switchToHttp().getResponse();

@Catch()
class StackFilter implements ExceptionFilter {
  /** Where in the application the error came from, and what of the module stands there beside one wrapper. */
  catch(error: Error, host: ArgumentsHost): void {
    const frames = (error.stack ?? '').split('\n').slice(1);
    const own = frames.filter((line) => line.includes('/applications/')).map((line) => line.replace(/\(.*\//, '('));
    const ours = frames.filter((line) => line.includes('/nestjs-drain/'));
    const text = [error.message, ...own, ...(ours.length > 1 ? ours : [])].join('\n');
    replyOf(host).status(500).send(text);
  }
}

@Catch(NotFoundException)
class SlowFilter implements ExceptionFilter {
  async catch(error: NotFoundException, host: ArgumentsHost): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 5));
    replyOf(host).status(404).header('X-Filter', 'slow').send({ filtered: error.message });
  }
}

let thens = 0;

/** As query builders are: it acts each time that somebody waits for it. */
function lazyInsert(): PromiseLike<string> {
  return {
    then(resolve, reject) {
      thens++;
      return Promise.resolve(`row ${thens}`).then(resolve, reject);
    },
  };
}

@Controller()
class AnswersController {
  @Get('hello')
  hello() {
    return 'Hello World!';
  }

  @Get('json')
  json() {
    return { nested: { list: [1, 'two', null, true] }, date: new Date(0), text: 'žluťoučký' };
  }

  @Get('number')
  number() {
    return 42;
  }

  @Get('null')
  null() {
    return null;
  }

  @Get('undefined')
  undefined() {}

  @Get('buffer')
  buffer() {
    return Buffer.from([0, 1, 2, 255]);
  }

  @Get('promise')
  async promise() {
    return { later: true };
  }

  @Get('observable')
  observable() {
    return of('first', 'last');
  }

  @Get('empty-observable')
  emptyObservable() {
    return EMPTY;
  }

  @Get('observable-error')
  observableError() {
    return throwError(() => new HttpException('observed', 409));
  }

  @Get('lazy')
  lazy() {
    return lazyInsert();
  }

  @Get('lazy/async')
  async lazyAsync() {
    return lazyInsert();
  }

  @Get('lazy/count')
  lazyCount() {
    return { thens };
  }

  @Get('params/:id')
  param(@Param('id', ParseIntPipe) id: number, @Query() query: object, @Headers('x-some') some: string) {
    return { id, query, some };
  }

  @Post('echo')
  echo(@Body() body: unknown) {
    return { body };
  }

  @Put('echo')
  put(@Body() body: unknown) {
    return { put: body };
  }

  @Patch('echo')
  patch(@Body() body: unknown) {
    return { patched: body };
  }

  @Delete('echo')
  @HttpCode(204)
  delete() {}

  @Search('echo')
  search() {
    return 'searched';
  }

  @All('any/*')
  any(@Param() params: object) {
    return { values: Object.values(params) };
  }

  @Get('redirect')
  @Redirect('/hello', 307)
  redirect() {}

  @Get('header')
  @Header('X-Some', 'value')
  @Header('Cache-Control', 'no-store')
  header() {
    return 'with headers';
  }

  @Get('versioned')
  @Version('1')
  versionOne() {
    return 'one';
  }

  @Get('versioned')
  @Version('2')
  versionTwo() {
    return 'two';
  }

  @Get('passthrough')
  passthrough(@Res({ passthrough: true }) reply: AnyReply) {
    reply.status(202).header('Set-Cookie', 'a=b; Path=/');
    return 'passed through';
  }

  @Get('res')
  res(@Res() reply: AnyReply) {
    reply.status(203).send({ by: 'hand' });
  }

  @Get('raw')
  async raw(@Res() reply: AnyReply) {
    reply.hijack?.();
    const response = reply.raw ?? (reply as unknown as import('node:http').ServerResponse);
    response.writeHead(200, 'Fine', { 'X-Upper-CASE': '1', Connection: 'keep-alive', Trailer: 'X-Sum' });
    response.write('first ');
    await new Promise((resolve) => setTimeout(resolve, 5));
    response.addTrailers({ 'X-Sum': '2' });
    response.end('second');
  }

  @Get('slow')
  async slow() {
    await new Promise((resolve) => setTimeout(resolve, 15));
    return 'slow';
  }
}

@Controller()
class ErrorsController {
  @Get('throws')
  throws() {
    throw new HttpException({ reason: 'teapot' }, 418);
  }

  @Get('throws-error')
  throwsError() {
    throw new Error('secret');
  }

  @Get('throws-text')
  throwsText() {
    throw 'text';
  }

  @Get('rejects')
  async rejects() {
    await Promise.resolve();
    throw new Error('secret');
  }

  @Get('denied')
  @UseGuards(DenyingGuard)
  denied() {}

  @Get('unauthorized')
  @UseGuards(ThrowingGuard)
  unauthorized() {}

  @Get('filtered')
  @UseFilters(SlowFilter)
  filtered() {
    throw new NotFoundException('filtered');
  }

  @Get('wrapped')
  @UseInterceptors(WrappingInterceptor)
  wrapped() {
    return 'inside';
  }

  @Get('stack/thrown')
  @UseFilters(StackFilter)
  stackThrown() {
    throw new Error('thrown');
  }

  @Get('stack/rejected')
  @UseFilters(StackFilter)
  async stackRejected() {
    await new Promise((resolve) => setTimeout(resolve, 1));
    throw new Error('rejected');
  }
}

@Controller()
class StreamsController {
  @Get('stream')
  stream() {
    return new StreamableFile(Readable.from(['one ', 'two ', 'three']));
  }

  @Get('file')
  file() {
    const options = { type: 'application/json', disposition: 'attachment; filename="package.json"' };
    return new StreamableFile(createReadStream(new URL('../../tsconfig.json', import.meta.url)), options);
  }

  @Get('large')
  large() {
    return new StreamableFile(Buffer.alloc(300_000, 'x'));
  }

  @Get('missing-file')
  missingFile() {
    return new StreamableFile(createReadStream('/nowhere/to/be/found'));
  }

  @Get('broken-stream')
  brokenStream() {
    const stream = new PassThrough();
    stream.write('begun ');
    setTimeout(() => stream.destroy(new Error('broken')), 10);
    return new StreamableFile(stream);
  }

  @Sse('events')
  events() {
    return timer(0, 2).pipe(
      map((n) => ({ data: { n }, id: String(n), ...(n === 2 ? { retry: 5 } : {}) })),
      take(3),
    );
  }
}

@Controller({ host: ':shop.example.test' })
class HostController {
  @Get('of-host')
  ofHost() {
    return 'of a host';
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  private count = 0;

  @Get()
  scoped() {
    return { count: ++this.count };
  }
}

@Module({ controllers: [HostController, AnswersController, ErrorsController, StreamsController, ScopedController] })
class PlainModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply((_request: unknown, response: import('node:http').ServerResponse) => {
        response.statusCode = 206;
        response.end('of a middleware');
      })
      .forRoutes('middleware');
    consumer
      .apply((_request: unknown, _response: unknown, next: (error: Error) => void) =>
        next(new HttpException('passed on', 402)),
      )
      .forRoutes('middleware-error');
  }
}

export const make: MakeApplication = async (variant) => {
  const app = await assemble(variant, { imports: [PlainModule] }, { rawBody: true });
  app.enableCors({ origin: ['https://shop.test'], credentials: true, exposedHeaders: ['X-Some'] });
  app.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version', defaultVersion: [VERSION_NEUTRAL, '1'] });
  return app;
};
