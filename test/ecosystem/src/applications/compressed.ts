import { Readable } from 'node:stream';
import fastifyCompress from '@fastify/compress';
import fastifyHelmet from '@fastify/helmet';
import { Controller, Get, HttpException, Sse, StreamableFile } from '@nestjs/common';
import compression from 'compression';
import helmet from 'helmet';
import { from, map } from 'rxjs';
import { assemble, type MakeApplication } from '../application.js';

const long = 'again and again '.repeat(500);

@Controller()
class CompressedController {
  @Get('long')
  long() {
    return { long };
  }

  @Get('short')
  short() {
    return 'short';
  }

  @Get('stream')
  stream() {
    return new StreamableFile(Readable.from([long, long]), { type: 'text/plain' });
  }

  @Get('failing')
  failing() {
    throw new HttpException({ long }, 409);
  }

  @Sse('events')
  events() {
    return from([1, 2]).pipe(map((n) => ({ data: { n } })));
  }
}

export const make: MakeApplication = async (variant) => {
  const app = await assemble(variant, { controllers: [CompressedController] });
  if (variant.adapter === 'express') {
    app.use(helmet(), compression());
  } else {
    await app.register(fastifyHelmet as never);
    await app.register(fastifyCompress as never, { encodings: ['gzip', 'deflate'] } as never);
  }
  return app;
};
