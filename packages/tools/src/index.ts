export {
  BadInputError,
  drill,
  type DrillOptions,
  type DrillResult,
  type DrillStep,
  type Platform,
  platformOf,
  type PresetName,
  presets,
  type RequestSpec,
} from './drill/index.js';
export {
  diagnose,
  type DiagnoseOptions,
  type Finding,
  type Severity,
  type Source,
  type SourceKind,
} from './doctor/index.js';
