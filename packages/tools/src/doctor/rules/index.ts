import { type Rule } from '../rule.js';
import { balancerDraining, keepAlive } from './balancer.js';
import { pdbBlocks, publishNotReady } from './disruption.js';
import { graceBudget, gracePeriodOption, lameDuckOff, optionsBudget, probeGracePeriod } from './grace-period.js';
import { pm2Rules } from './pm2.js';
import { preStopSleep, preStopUnknown } from './pre-stop.js';
import {
  livenessImpatient,
  noReadinessProbe,
  readinessRoot,
  readinessTcp,
  readinessTooSlow,
  readinessUnknown,
  sameProbe,
} from './probes.js';
import { maxUnavailable, minReadySeconds, recreate, singleReplica } from './rollout.js';
import { startRules } from './start.js';

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
  maxUnavailable,
  singleReplica,
  recreate,
  minReadySeconds,
  pdbBlocks,
  publishNotReady,
  keepAlive,
  balancerDraining,
  ...startRules,
  ...pm2Rules,
];
