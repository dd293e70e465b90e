/** Arrows point inwards: Nest faces → in-flight, hooks → sequence → nothing. */
const nest = '^(@nestjs|rxjs|reflect-metadata|node_modules/(@nestjs|rxjs|reflect-metadata))';
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'sequence-imports-only-itself',
      comment: 'The sequence knows phases, deadlines and drainables, and nothing else.',
      severity: 'error',
      from: { path: '^src/sequence' },
      to: { pathNot: '^src/sequence|^node:|^(diagnostics_channel|events|perf_hooks|timers)' },
    },
    {
      name: 'core-imports-no-nest',
      comment: 'The lease tracker and the hook registry are usable, and tested, without Nest.',
      severity: 'error',
      from: { path: '^src/(sequence|in-flight/(lease|in-flight-tracker)|hooks/hook-registry)' },
      to: { path: nest },
    },
    {
      name: 'protocols-import-no-nest',
      comment: 'A drainable speaks its protocol; the seam that meets Nest is the one file named after it.',
      severity: 'error',
      from: { path: '^src/drainables', pathNot: 'seam\\.ts$' },
      to: { path: nest },
    },
    {
      name: 'admission-decides-alone',
      comment:
        'What becomes of a request is decided by one function from rules; who contributes them is not known there.',
      severity: 'error',
      from: { path: '^src/admission' },
      to: { path: '^src/(?!admission)' },
    },
    {
      name: 'refusal-knows-no-protocol-room',
      comment: 'What a late arrival gets is made here for every protocol; the protocols ask for it.',
      severity: 'error',
      from: { path: '^src/refusal' },
      to: { path: '^src/(?!refusal|admission|sequence)' },
    },
    {
      name: 'refusal-meets-nest-in-one-file',
      severity: 'error',
      from: { path: '^src/refusal', pathNot: 'handler-refusals\\.ts$' },
      to: { path: nest },
    },
    {
      name: 'protocols-do-not-know-each-other',
      comment: 'What two of them need stands above them: exchange, shared, admission, refusal.',
      severity: 'error',
      from: { path: '^src/drainables/(http|http2|sse|websockets)/' },
      to: { path: '^src/drainables/(http|http2|sse|websockets)/', pathNot: '^src/drainables/$1/' },
    },
    {
      name: 'above-the-protocols',
      comment: 'What stands above the protocols knows none of them.',
      severity: 'error',
      from: { path: '^src/drainables/(exchange|shared)/' },
      to: { path: '^src/drainables/(?!exchange|shared)' },
    },
    {
      name: 'inwards-only',
      severity: 'error',
      from: { path: '^src/(in-flight|hooks|options|drainables|readiness|admission|refusal)' },
      to: { path: '^src/(nest|graceful-shutdown|index)' },
    },
    {
      name: 'runtime-knows-no-tools',
      comment: 'The runtime is installed alone.',
      severity: 'error',
      from: { path: '^src' },
      to: { path: '^packages|^node_modules/nestjs-drain' },
    },
    {
      name: 'tools-import-the-runtime-by-name',
      comment: 'They are a package of its own, and use what every user can.',
      severity: 'error',
      from: { path: '^packages/tools/src' },
      to: { path: '^src/(?!index\\.ts$)' },
    },
    {
      name: 'drill-stands-alone',
      comment:
        'What drives an application from outside imports nothing of what runs inside it, nor of what uses the drill.',
      severity: 'error',
      from: { path: '^packages/tools/src/drill' },
      to: { path: '^src|^packages/tools/src/(?!drill)|@nestjs|nestjs-drain' },
    },
    {
      name: 'tests-load-what-they-need',
      comment:
        'What tests import is built for CommonJS as well, and loads no command, no report, no reader of manifests.',
      severity: 'error',
      from: { path: '^packages/tools/src/testing' },
      to: { path: '^packages/tools/src/(cli|doctor|index|drill/(drill|formats|report|advice))' },
    },
    {
      name: 'nothing-imports-the-command',
      severity: 'error',
      from: { path: '^packages/tools/src/(?!cli)' },
      to: { path: '^packages/tools/src/cli' },
    },
    {
      name: 'tools-declare-what-they-import',
      severity: 'error',
      from: { path: '^packages/tools/src' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'],
        pathNot: '(^|/)src/index\\.ts$|^nestjs-drain$',
      },
    },
    {
      name: 'no-runtime-dependency',
      comment: 'Peers only: Nest, rxjs and reflect-metadata. Terminus, Fastify and Express are met by shape.',
      severity: 'error',
      from: { path: '^src' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '@nestjs/(common|core)|rxjs|reflect-metadata',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
