import { Writable } from 'node:stream';
import { Controller, Get, Inject } from '@nestjs/common';
import { Logger, LoggerModule, PinoLogger } from 'nestjs-pino';
import { assemble, type MakeApplication } from '../application.js';

const lines: string[] = [];
const memory = new Writable({
  write(chunk, _encoding, done) {
    lines.push(String(chunk).trim());
    done();
  },
});

@Controller()
class LoggedController {
  constructor(@Inject(PinoLogger) private readonly logger: PinoLogger) {}

  @Get('logged')
  logged() {
    this.logger.assign({ order: 7 });
    this.logger.info('in the handler');
    return 'logged';
  }

  @Get('failing')
  failing() {
    throw new Error('to be logged');
  }

  /** Everything logged so far, without what a run has of its own. */
  @Get('lines')
  lines() {
    return lines
      .filter((line) => !/Module dependencies initialized/.test(line))
      .map((line) =>
        line
          .replace(/"(time|pid|remotePort|responseTime)":\d+/g, '"$1":0')
          .replace(/"hostname":"[^"]*"/, '"hostname":""')
          .replace(/"stack":"[^"]*"/g, '"stack":""')
          .replace(/"date":"[^"]*"/gi, '"date":""'),
      );
  }
}

export const make: MakeApplication = async (variant) => {
  const app = await assemble(
    variant,
    {
      imports: [
        LoggerModule.forRoot({
          pinoHttp: { stream: memory, genReqId: (request) => String(request.headers['x-id'] ?? 0) },
        }),
      ],
      controllers: [LoggedController],
    },
    { bufferLogs: true },
  );
  app.useLogger(app.get(Logger));
  return app;
};
