import { reloadProcedureOf } from '../reload-presets.js';
import { type Target, type TargetContext } from '../target.js';
import { AttachedTarget } from './attached.js';
import { ProcessGroupTarget } from './process-group.js';
import { ReplicasTarget } from './replicas.js';

export function targetOf(context: TargetContext): Target {
  const { attach, reload } = context.options;
  if (attach) return new AttachedTarget(context, attach);
  if (reload !== undefined) return new ProcessGroupTarget(context, reloadProcedureOf(reload));
  return new ReplicasTarget(context);
}
