export { Http1Client } from './clients/http1.js';
export { addressOf, type Backend, type Balancer } from './balancer.js';
export { OpenLoopClients, type OpenLoopOptions, type RequestOutcome } from './open-loop-clients.js';

export { platformOf, presets, type Platform, type PresetName } from './platform.js';
export { isReady } from './probe.js';
export { Replica, ReplicaStartError, type ReplicaExit, type ReplicaOptions } from './replica.js';
export {
  rollingRestart,
  type ReplicaShutdown,
  type RollingFailure,
  type RollingRestartOptions,
  type RollingRestartReport,
  type RollingStep,
} from './rolling-restart.js';
export { drill } from './drill.js';
export { drillDefaults, type DrillOptions, type DrillStep } from './drill-options.js';
export { BadInputError } from './errors.js';
export { type RequestSpec } from './exchange.js';
export { type FailureKind } from './outcomes.js';
export {
  StrictClients,
  type Failure,
  type StrictClientsOptions,
  type TrafficCounts,
  type TrafficReport,
} from './strict-client.js';
export { TcpBalancer, type MemberState, type Rotation, type TcpBalancerOptions } from './tcp-balancer.js';
export { type DrillResult } from './result.js';
