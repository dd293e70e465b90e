export { addressOf, type Backend, type Balancer } from './balancer.js';
export { isReady } from './probe.js';
export { Replica, type ReplicaExit, type ReplicaOptions } from './replica.js';
export {
  rollingRestart,
  type ReplicaShutdown,
  type RollingFailure,
  type RollingRestartOptions,
  type RollingRestartReport,
  type RollingStep,
} from './rolling-restart.js';
export {
  StrictClients,
  type Failure,
  type FailureKind,
  type RequestSpec,
  type StrictClientsOptions,
  type TrafficCounts,
  type TrafficReport,
} from './strict-client.js';
export { TcpBalancer, type MemberState, type Rotation, type TcpBalancerOptions } from './tcp-balancer.js';
