export { drill } from './drill/drill.js';
export { type AttachOptions, type DrillOptions, type DrillStep } from './drill/drill-options.js';
export { BadInputError } from './drill/errors.js';
export { type DrillRequest, type RequestSpec } from './drill/exchange.js';
export {
  type DrillMessages,
  type MessageTransport,
  messageTransports,
  type Protocol,
  protocols,
} from './drill/clients/protocols.js';
export { type OpenLoopCounts } from './drill/clients/traffic.js';
export { type Platform, platformOf, type PresetName, presets } from './drill/platform.js';
export { type ReplicaExit } from './drill/replica.js';
export { type DrillScript, type ScriptedRequest } from './drill/script.js';
export { type ShellName } from './drill/shell.js';
export {
  type About,
  type Advice,
  type Conclusion,
  type DrillResult,
  type DrillSettings,
  type FailureEntry,
  type Interruption,
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
