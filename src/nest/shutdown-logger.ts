import { Logger } from '@nestjs/common';
import { wordsOn } from '../breadcrumb/previous-runs.js';
import { type ShutdownEvent } from '../sequence/events.js';
import { type ShutdownReport } from '../sequence/report.js';
import { isLoggerClosed } from './insides/closed-logger.js';
import { writeToStderr } from './stderr.js';

/**
 * Writes one line a transition, and the report, through Nest's logger. Subscribe it to the events.
 *
 * What goes well is of interest when a signal ends the process. A shutdown without one (`app.close()` in tests) tells
 * it at debug level.
 */
export class ShutdownLogger {
  private readonly logger = new Logger('GracefulShutdown');

  constructor(
    private readonly isBySignal: () => boolean,
    private readonly writeAtOnce: (text: string) => void = writeToStderr,
  ) {}

  readonly log = (event: ShutdownEvent): void => {
    switch (event.type) {
      case 'phase':
        if (event.phase === 'closed') return;
        this.tell(
          event.previous === 'running'
            ? `${event.phase} (${event.reason}), ${event.inFlight} in flight`
            : `${event.phase} after ${event.elapsedMs} ms, ${event.inFlight} in flight`,
        );
        return;
      case 'hook':
        if (event.hook.outcome === 'fulfilled') return;
        this.logger.error(
          `Hook ${event.hook.name} ${event.hook.outcome} after ${event.hook.ms} ms: ${event.hook.error ?? ''}`,
        );
        return;
      case 'deadline':
        this.logger.warn(`Drain deadline passed, ${event.inFlight} in flight`);
        return;
      case 'forced':
        this.logger.warn(`Forced by ${event.by}, ${event.inFlight} in flight`);
        return;
      case 'problem':
        this.logger.error(event.message);
        return;
      case 'previous-run':
        this.logger.warn(wordsOn(event.previous));
        return;
      case 'report':
        this.logReport(event.report);
    }
  };

  warn(message: string): void {
    this.logger.warn(message);
  }

  /** What is of interest when the application starts. */
  started(message: string): void {
    this.logger.log(message);
  }

  private tell(line: string): void {
    if (this.isBySignal()) this.logger.log(line);
    else this.logger.debug(line);
  }

  /** By then the application may have closed its logger. The report is written to stderr instead. */
  private logReport(report: ShutdownReport): void {
    const line = `closed after ${report.totalMs} ms: ${JSON.stringify(report)}`;
    const isOfInterest = !report.clean || this.isBySignal();
    try {
      if (!isLoggerClosed()) return this.writeReport(line, report);
    } catch {
      // A logger that has been closed may also throw.
    }
    if (isOfInterest) this.writeAtOnce(`[GracefulShutdown] ${[line, ...report.advice].join('\n')}\n`);
  }

  private writeReport(line: string, report: ShutdownReport): void {
    if (report.clean) this.tell(line);
    else this.logger.warn(line);
    for (const advice of report.advice) this.logger.warn(advice);
  }
}
