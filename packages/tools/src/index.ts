export { drill } from './drill/drill.js';
export { type DrillOptions, type DrillStep } from './drill/drill-options.js';
export { BadInputError } from './drill/errors.js';
export { type DrillRequest, type RequestSpec } from './drill/exchange.js';
export { type OpenLoopCounts } from './drill/open-loop-clients.js';
export { type Platform, platformOf, type PresetName, presets } from './drill/platform.js';
export { type ReplicaExit } from './drill/replica.js';
export {
  type Advice,
  type DrillResult,
  type DrillSettings,
  type FailureEntry,
  type Outcome,
  type Quantiles,
  type ReplicaTimeline,
  type Roll,
  type Samples,
  type Totals,
} from './drill/result.js';
export { diagnose, type DiagnoseOptions, type Diagnosis, examine, type Unchecked } from './doctor/diagnose.js';
export { type Finding, type ObjectName, type Place, type Severity } from './doctor/finding.js';
export { type Source, type SourceKind } from './doctor/read/source.js';
