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
      name: 'drill-stands-alone',
      comment: 'What drives an application from outside imports nothing of what runs inside it.',
      severity: 'error',
      from: { path: '^src/drill' },
      to: { path: '^src/(?!drill)' },
    },
    {
      name: 'nothing-imports-the-drill',
      comment: 'But the command, and the tools for tests, which use its balancer and its clients.',
      severity: 'error',
      from: { path: '^src/(?!drill|cli|testing)' },
      to: { path: '^src/drill' },
    },
    {
      name: 'drill-has-no-dependency',
      comment: 'Node alone, so that it can be bundled, and a report can be made from a result anywhere.',
      severity: 'error',
      from: { path: '^src/drill' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'nothing-imports-the-command',
      comment: 'The package must not load what is bundled into the command: it is not among its dependencies.',
      severity: 'error',
      from: { path: '^src/(?!cli|doctor)' },
      to: { path: '^src/(cli|doctor)' },
    },
    {
      name: 'command-is-bundled',
      comment: 'What the command needs is bundled into it, with its licence: these alone.',
      severity: 'error',
      from: { path: '^src/(cli|doctor)' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown'],
        pathNot: 'node_modules/(commander|yaml)/',
      },
    },
    {
      name: 'no-runtime-dependency',
      comment: 'Peers only: Nest, rxjs and reflect-metadata. Terminus, Fastify and Express are met by shape.',
      severity: 'error',
      from: { path: '^src/(?!drill|cli|doctor)' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '@nestjs/(common|core)|rxjs|reflect-metadata',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
