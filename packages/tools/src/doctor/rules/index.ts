import { type Rule } from '../rule.js';
import { balancerDraining, keepAlive, sidecarQuits, trafficPolicyLocal } from './balancer.js';
import { noPdb, oneNode, pdbBlocks, publishNotReady } from './disruption.js';
import {
  graceBudget,
  gracePeriodOption,
  lameDuckOff,
  optionsBudget,
  preStopSleep,
  preStopUnknown,
  probeGracePeriod,
} from './grace-period.js';
import { messageRules } from './messages.js';
import { pm2Rules } from './pm2.js';
import {
  livenessImpatient,
  noReadinessProbe,
  probePort,
  readinessRoot,
  readinessTcp,
  readinessTooSlow,
  readinessUnknown,
  sameProbe,
} from './probes.js';
import { maxUnavailable, minReadySeconds, recreate, scaledReplicas, singleReplica } from './rollout.js';
import { startRules } from './start.js';
import { systemdRules } from './systemd.js';

/** Every rule, in the order in which findings of one line stand. */
export const rules: readonly Rule[] = [
  graceBudget,
  gracePeriodOption,
  optionsBudget,
  probeGracePeriod,
  lameDuckOff,
  preStopSleep,
  preStopUnknown,
  noReadinessProbe,
  readinessTooSlow,
  readinessTcp,
  readinessUnknown,
  readinessRoot,
  sameProbe,
  livenessImpatient,
  probePort,
  maxUnavailable,
  singleReplica,
  recreate,
  minReadySeconds,
  scaledReplicas,
  pdbBlocks,
  noPdb,
  oneNode,
  publishNotReady,
  trafficPolicyLocal,
  sidecarQuits,
  keepAlive,
  balancerDraining,
  ...startRules,
  ...pm2Rules,
  ...systemdRules,
  ...messageRules,
];
