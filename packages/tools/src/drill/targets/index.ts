import { type Target, type TargetContext } from '../target.js';
import { ReplicasTarget } from './replicas.js';

export function targetOf(context: TargetContext): Target {
  return new ReplicasTarget(context);
}
