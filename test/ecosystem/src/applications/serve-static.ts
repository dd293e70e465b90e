import { fileURLToPath } from 'node:url';
import { Controller, Get } from '@nestjs/common';
import { ServeStaticModule } from '@nestjs/serve-static';
import { assemble, type MakeApplication } from '../application.js';

const rootPath = fileURLToPath(new URL('../../files', import.meta.url));

@Controller('api')
class ApiController {
  @Get('hello')
  hello() {
    return 'Hello World!';
  }
}

export const make: MakeApplication = (variant) =>
  assemble(variant, {
    imports: [
      ServeStaticModule.forRoot(
        { rootPath, serveRoot: '/files', serveStaticOptions: { fallthrough: true, cacheControl: true, maxAge: 1_000 } },
        {
          rootPath,
          exclude: ['/api/{*rest}'],
          serveStaticOptions: { index: 'index.html', decorateReply: false } as object,
        },
      ),
    ],
    controllers: [ApiController],
  });
