import { type ShutdownEvent } from '../sequence/events.js';
import { type ShutdownReport } from '../sequence/report.js';

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** What is used of a span. */
interface Span {
  setAttributes(attributes: Attributes): void;
  addEvent(name: string, attributes: Attributes): void;
  setStatus(status: { readonly code: number; readonly message?: string }): void;
  end(): void;
}

/** Starts a span, within its parent if it has one. */
export type SpanMaker = (name: string, attributes: Attributes, parent?: Span) => Span;

/** `SpanStatusCode.ERROR` of OpenTelemetry. */
const error = 2;

/**
 * One span for the shutdown, and one within it for each of its phases. Hooks that have settled, the drain deadline and
 * the end of all waiting are events of the span of their phase.
 */
export class ShutdownSpans {
  private shutdown?: Span;
  private phase?: Span;

  constructor(private readonly start: SpanMaker) {}

  /** Subscribe it to the events. */
  readonly hear = (event: ShutdownEvent): void => {
    if (event.type === 'phase') this.enter(event);
    else if (event.type === 'report') this.end(event.report);
    else if (event.type === 'deadline') this.phase?.addEvent('drain deadline', inFlightOf(event));
    else if (event.type === 'forced') {
      this.phase?.addEvent('forced', { ...inFlightOf(event), 'nestjs_drain.by': event.by });
    } else if (event.type === 'hook') {
      const { name, outcome, ms } = event.hook;
      this.phase?.addEvent('hook', {
        'nestjs_drain.hook.name': name,
        'nestjs_drain.hook.outcome': outcome,
        'nestjs_drain.hook.duration_ms': ms,
      });
    }
  };

  private enter(event: ShutdownEvent & { readonly type: 'phase' }): void {
    this.shutdown ??= this.start('shutdown', { 'nestjs_drain.reason': event.reason });
    this.phase?.end();
    if (event.phase === 'closed') return;
    const attributes = { 'nestjs_drain.phase': event.phase, ...inFlightOf(event) };
    this.phase = this.start(`shutdown ${event.phase}`, attributes, this.shutdown);
  }

  private end({ outcome, endedBy, clean, refused, inFlight, leftovers }: ShutdownReport): void {
    this.shutdown?.setAttributes({
      'nestjs_drain.outcome': outcome,
      'nestjs_drain.ended_by': endedBy,
      'nestjs_drain.clean': clean,
      'nestjs_drain.refused': refused,
      'nestjs_drain.in_flight.at_signal': inFlight.atSignal,
      'nestjs_drain.in_flight.finished': inFlight.finished,
      'nestjs_drain.leftovers': leftovers.length,
    });
    if (!clean) this.shutdown?.setStatus({ code: error, message: `${outcome}, ended by ${endedBy}` });
    this.shutdown?.end();
  }
}

function inFlightOf({ inFlight }: { readonly inFlight: number }): Attributes {
  return { 'nestjs_drain.in_flight': inFlight };
}
