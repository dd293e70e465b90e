export {
  type GracefulShutdownAsyncOptions,
  GracefulShutdownModule,
  type GracefulShutdownOptionsFactory,
} from './graceful-shutdown.module.js';
export { GracefulShutdown } from './graceful-shutdown.js';
export { type ShutdownCallOptions } from './nest/exit-code.js';
export { AllowDuringShutdown } from './in-flight/allow-during-shutdown.decorator.js';
export { InFlightInterceptor } from './nest/in-flight.interceptor.js';
export { TrackInFlight } from './in-flight/track-in-flight.decorator.js';
export { type Lease } from './in-flight/lease.js';
export { type ShutdownSnapshot } from './in-flight/snapshot.js';
export { OnShutdown } from './hooks/on-shutdown.decorator.js';
export { type HookOptions, type ShutdownHook } from './hooks/hook-registry.js';
export { ReadinessHealthIndicator, type ReadinessResult } from './readiness/readiness.health-indicator.js';
export { type GracefulShutdownOptions, type ResolvedOptions, type SecondSignalAction } from './options/options.js';
export { type PlatformName, usualGracePeriodMs } from './platform/platforms.js';
export { type BudgetSum } from './sequence/budget.js';
export { type ShutdownBudget, shutdownBudget } from './options/shutdown-budget.js';
export { type LameDuckOptions } from './sequence/lame-duck.js';
export { type LateRequestOptions, type ResolvedLateRequestOptions } from './refusal/late-request-options.js';
export { type DrainableStrategy } from './drainables/microservices/custom/custom-transport.js';
export { type EventStreamOptions } from './drainables/sse/event-stream-options.js';
export { type ResolvedWebSocketOptions, type WebSocketOptions } from './drainables/websockets/web-socket-options.js';
export { drainableWorker } from './drainables/jobs/bullmq/worker-drainable.js';
export { drainablePgBoss } from './drainables/jobs/pg-boss/pg-boss-drainable.js';
export { type AfterReportWork } from './sequence/after-report.js';
export { type Drainable, type Leftover } from './sequence/drainable.js';
export { DrainError, type DrainErrorCode } from './sequence/errors.js';
export { type PreviousRun, type ShutdownEvent } from './sequence/events.js';
export { type HookPhase, type ShutdownContext } from './sequence/hooks.js';
export { type RehearsalOptions } from './rehearsal/rehearsal.js';
export { type RehearsalProbe, type RehearsalReport } from './rehearsal/rehearsal-report.js';
export { type ShutdownPhase } from './sequence/phase.js';
export { type HookReport, type ShutdownEnd, type ShutdownOutcome, type ShutdownReport } from './sequence/report.js';
