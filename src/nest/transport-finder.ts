import { type ModulesContainer } from '@nestjs/core';
import { type DrainCore } from '../drain-core.js';
import { whenReached } from '../drainables/microservices/shared/first-connection.js';
import { type TransportDrainable } from '../drainables/microservices/shared/transport-drainable.js';
import { type TransportServer } from '../drainables/microservices/shared/transport.js';
import { overlay } from '../drainables/shared/overlay.js';
import { nextPoll } from '../sequence/clock.js';
import { allowedPatternsOf, patternKey, watchTransports } from './insides/transports.js';

/**
 * Meets the servers of microservice transports: Nest tells of each before it is given its handlers, in standalone and
 * hybrid applications alike.
 *
 * Nest closes them at different times: in a hybrid application, and after a signal, when providers have been destroyed,
 * and so after the drain; with `app.close()` of a standalone microservice before any hook. There the close begins the
 * drain itself.
 */
export class TransportFinder {
  private allowed?: ReadonlySet<string>;
  /** Those that do not listen yet. */
  private readonly awaited = new Set<TransportServer>();
  /** Meets no further ones. */
  stop: () => void = () => undefined;

  /**
   * @param hasHttp reports whether the application has an HTTP server, which Nest closes when hooks have been called
   * @param begin begins, or joins, the shutdown; never rejects
   * @param allListen is called when the transports that have been met so far listen
   */
  constructor(
    private readonly core: DrainCore,
    private readonly modules: ModulesContainer,
    private readonly hasHttp: () => boolean,
    private readonly begin: () => Promise<void>,
    private readonly allListen: () => void,
  ) {}

  start(): void {
    this.stop = watchTransports(this.modules, (server) => this.meet(server));
  }

  private meet(server: TransportServer): void {
    const drainable = this.core.transports.attach(server, (pattern) => this.isAllowed(pattern));
    if (!drainable) return;
    this.drainBeforeItCloses(server, drainable);
    this.awaitListening(server);
  }

  /** Looked at with the first late call: all controllers are there by then. */
  private isAllowed(pattern: unknown): boolean {
    this.allowed ??= allowedPatternsOf(this.modules);
    return this.allowed.has(patternKey(pattern));
  }

  private awaitListening(server: TransportServer): void {
    this.awaited.add(server);
    whenReached(server, () => {
      if (this.awaited.delete(server) && this.awaited.size === 0) this.allListen();
    });
  }

  private drainBeforeItCloses(server: TransportServer, drainable: TransportDrainable): void {
    let closed: Promise<unknown> | undefined;
    overlay<NonNullable<TransportServer['close']>>(server, 'close', (original) => {
      const closeOnce = async (args: unknown[]): Promise<unknown> => {
        if (!this.hasHttp()) await this.begin();
        // A handler ends before its answer is handed to the transport.
        await nextPoll();
        return drainable.disconnect(() => original.apply(server, args));
      };
      // Nest calls it once more where an application is closed that has been stopped by a signal.
      return (...args) => (closed ??= closeOnce(args));
    });
  }
}
