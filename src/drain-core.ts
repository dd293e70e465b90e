import { Admission } from './admission/admission.js';
import { HandlerWork } from './drainables/exchange/handler-work.js';
import { lingerMs } from './drainables/http/connection-table.js';
import { HttpServers } from './drainables/http-servers.js';
import { HealthRoutes, type Route } from './drainables/exchange/route.js';
import { Transports } from './drainables/microservices/transports.js';
import { EventStreams } from './drainables/sse/event-streams.js';
import { ClientWorks } from './drainables/websockets/client-work.js';
import { WebSocketServers } from './drainables/websockets/web-socket-servers.js';
import { HookRegistry } from './hooks/hook-registry.js';
import { CountedCalls } from './in-flight/counted-calls.js';
import { abandonedMs, InFlightTracker } from './in-flight/in-flight-tracker.js';
import { TrackedRuns } from './in-flight/tracked-runs.js';
import { type ResolvedOptions } from './options/options.js';
import { lameDuckWindow } from './options/lame-duck-window.js';
import { Handover } from './platform/handover.js';
import { PlatformGrace } from './platform/platform-grace.js';
import { isUnderKubernetes } from './platform/platforms.js';
import { isUnderPm2 as underPm2 } from './platform/pm2.js';
import { messageRefusal, Refusals } from './refusal/refusals.js';
import { ReadinessLearner } from './readiness/readiness-learner.js';
import { type Clock, systemClock } from './sequence/clock.js';
import { ShutdownEvents } from './sequence/events.js';
import { type LameDuckWindow, noLameDuck } from './sequence/lame-duck.js';
import { hasReached, type ShutdownPhase } from './sequence/phase.js';
import { Probes } from './sequence/probes.js';
import { Rehearsal } from './rehearsal/rehearsal.js';
import { type SharedSocket } from './platform/shared-socket.js';
import { type ShutdownTrigger } from './sequence/sequence-parts.js';
import { ShutdownSequence } from './sequence/shutdown-sequence.js';
import { Traffic } from './sequence/traffic.js';

/**
 * Everything of one application put together, without Nest: whoever wants to see how the parts hang together reads
 * this.
 *
 * @internal
 */
export class DrainCore {
  readonly events = new ShutdownEvents();
  readonly probes = new Probes();
  readonly grace: PlatformGrace;
  readonly tracker: InFlightTracker;
  /** What others begin, and nobody here refuses. */
  readonly calls: CountedCalls;
  readonly trackedRuns: TrackedRuns;
  readonly hooks: HookRegistry;
  readonly sequence: ShutdownSequence;
  readonly handlers: HandlerWork;
  readonly healthRoutes: HealthRoutes;
  readonly readiness: ReadinessLearner<Route>;
  readonly servers: HttpServers;
  readonly clientWorks: ClientWorks;
  readonly webSockets: WebSocketServers;
  readonly transports: Transports;
  readonly traffic: Traffic;
  readonly rehearsal: Rehearsal;
  readonly refusals: Refusals;
  /** A signal began the shutdown, or it goes through a lame duck: clients are there, and may be about to write. */
  private isUnderTraffic = false;
  private readonly readinessWatchers: (() => void)[] = [];

  constructor(
    readonly options: ResolvedOptions,
    readonly clock: Clock = systemClock,
    private readonly environment: NodeJS.ProcessEnv = process.env,
    /** The process is restarted as its code is written. */
    readonly isDevelopment = options.development === true,
    /** Through whom others accept from the same socket, if any do. */
    sharedSocket?: SharedSocket,
    private readonly handover = new Handover(sharedSocket, environment),
    readonly isUnderPm2 = underPm2(environment),
  ) {
    this.grace = new PlatformGrace(options.gracePeriodMs, environment);
    // Of a short drain they get no more than half, so that it does not time out for them.
    this.tracker = new InFlightTracker(clock, Math.min(abandonedMs, options.drainTimeoutMs / 2));
    this.calls = new CountedCalls(this.tracker, clock);
    this.traffic = new Traffic(clock);
    this.hooks = new HookRegistry(clock, options.hookTimeoutMs);
    this.handlers = new HandlerWork(this.tracker);
    this.healthRoutes = new HealthRoutes(options.allowDuringShutdown);
    this.readiness = new ReadinessLearner((route) => this.healthRoutes.add(route));
    this.sequence = new ShutdownSequence(
      { drainTimeoutMs: options.drainTimeoutMs, gracePeriod: () => this.grace.now },
      {
        clock,
        events: this.events,
        hooks: this.hooks,
        inFlight: this.tracker,
        traffic: this.traffic,
        probes: this.probes,
        lameDuckFor: (trigger) => this.lameDuckFor(trigger),
      },
    );
    this.trackedRuns = new TrackedRuns(this.tracker, this);
    this.rehearsal = new Rehearsal({
      clock,
      events: this.events,
      inFlight: this.tracker,
      traffic: this.traffic,
      isAllowed: options.allowRehearsal,
      phase: () => this.phase,
      announce: () => this.servers.rehearse(),
      changed: () => this.readinessMayDiffer(),
    });
    const eventStreams = new EventStreams(options.eventStreams);
    const admission = new Admission(this.healthRoutes, eventStreams);
    const refusals = (this.refusals = new Refusals(options.lateRequests, {
      clock,
      eventStreamRetryMs: options.eventStreams.retryMs,
      refused: () => this.sequence.count('refused'),
    }));
    this.servers = new HttpServers(
      {
        clock,
        tracker: this.tracker,
        traffic: this.traffic,
        rehearsal: this.rehearsal,
        admission,
        refusals,
        closesListenerFirst: isDevelopment || !!sharedSocket || options.lateRequests.listener === 'closed',
        isHandingOver: () => this.handsOver,
        // Where nobody signalled, in a test above all, what the kernel holds is read, and that is all.
        idleLingerMs: () => (this.isUnderTraffic ? lingerMs : 0),
      },
      (drainable) => {
        // Whoever has a server may have streams of events.
        this.sequence.add(eventStreams);
        this.sequence.add(drainable);
      },
    );
    this.clientWorks = new ClientWorks(clock, this.tracker);
    this.webSockets = new WebSocketServers(
      {
        clock,
        works: this.clientWorks,
        options: options.webSockets,
        openedAt: (socket) => this.servers.openedAt(socket),
      },
      this.servers,
      (drainable) => this.sequence.add(drainable),
    );
    admission.add(this.webSockets);
    this.events.subscribe(({ type }) => {
      if (type === 'phase') this.readinessMayDiffer();
    });
    this.transports = new Transports(
      {
        clock,
        tracker: this.tracker,
        refusal: messageRefusal,
        isDraining: () => this.isRefusing,
        refused: () => refusals.count(),
        readiness: {
          isReady: () => this.isReady,
          probe: () => this.probe(),
          watch: (look) => void this.readinessWatchers.push(look),
        },
      },
      (drainable) => this.sequence.add(drainable),
    );
  }

  get phase(): ShutdownPhase {
    return this.sequence.phase;
  }

  get isClosed(): boolean {
    return this.phase === 'closed';
  }

  /** Reports whether a hook, or a drainable, is being waited for. */
  get isAwaitingParts(): boolean {
    return this.hooks.areRunning || this.sequence.drains.areBusy;
  }

  /** A run of a tracked method was not begun. */
  runSkipped(): void {
    this.sequence.count('skipped');
  }

  get isRefusing(): boolean {
    return hasReached(this.phase, 'draining');
  }

  get isReady(): boolean {
    if (this.isRehearsing) return false;
    if (this.handsOver && !hasReached(this.phase, 'releasing')) return true;
    return this.phase === 'running' || (this.phase === 'lame-duck' && this.options.readiness === 'after-lame-duck');
  }

  /** The primary process takes this one out, and it alone. Its server is about to be closed. */
  takenOut(): void {
    if (this.phase === 'running') this.handover.takenOut();
    this.servers.keepConnections();
  }

  private get handsOver(): boolean {
    return !this.isDevelopment && this.handover.isDue;
  }

  get isRehearsing(): boolean {
    return this.rehearsal.isRunning;
  }

  get isUnderKubernetes(): boolean {
    return isUnderKubernetes(this.environment);
  }

  /** Answers a readiness probe, and remembers what it was told and which route asked. */
  probe(): boolean {
    const { isReady } = this;
    this.readiness.asked();
    // What a rehearsal tells is no failure that a later lame duck may count on.
    this.probes.answered(isReady || this.isRehearsing);
    if (this.isRehearsing) this.rehearsal.probed();
    return isReady;
  }

  /** All work comes from brokers and queues, which hand what they have to others at once. */
  get hasNobodyToTell(): boolean {
    return this.sequence.drains.areThere && !this.sequence.drains.canAnnounce;
  }

  private readinessMayDiffer(): void {
    for (const look of this.readinessWatchers) look();
  }

  private lameDuckFor(trigger: ShutdownTrigger): LameDuckWindow {
    const window = this.windowFor(trigger);
    this.isUnderTraffic = !this.isDevelopment && (trigger.signal !== undefined || window !== noLameDuck);
    return window;
  }

  private windowFor({ signal }: ShutdownTrigger): LameDuckWindow {
    const { patienceMs } = this.servers;
    const isProbed = this.probes.haveAsked;
    return lameDuckWindow(this.options, {
      isDevelopment: this.isDevelopment,
      // What PM2 sends is a platform's stop, and no Ctrl-C.
      isPlatformStop: signal === 'SIGTERM' || (signal === 'SIGINT' && this.isUnderPm2),
      isRouted: (this.isUnderKubernetes || isProbed) && !this.hasNobodyToTell,
      isProbed,
      handover:
        this.handsOver && signal !== undefined && patienceMs !== undefined
          ? { patienceMs, clientsGone: (cancelled) => this.servers.clientsGone(cancelled) }
          : undefined,
    });
  }
}
