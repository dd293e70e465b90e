export { BadInputError } from './bad-input.js';
export { diagnose, type DiagnoseOptions, type Diagnosis, examine } from './diagnose.js';
export { type Finding, type Place, type Severity } from './finding.js';
export { type Source, type SourceKind } from './read/source.js';
export { rules } from './rules/index.js';
export { doctorCommand } from './command.js';
