import { type LoggerService } from '@nestjs/common';

/** What the application has said through Nest's logger until it listened, without colours and times. */
export const bootstrapLines: string[] = [];

const write =
  (level: string) =>
  (message: unknown, ...more: unknown[]): void => {
    bootstrapLines.push(`${level} [${String(more.at(-1))}] ${String(message)}`);
  };

export const bootstrapLog: LoggerService = {
  log: write('log'),
  warn: write('warn'),
  error: write('error'),
  debug: write('debug'),
  verbose: write('verbose'),
  fatal: write('fatal'),
};
