/**
 * The rooms of the runtime, from the innermost outwards, and the arrows that may leave each. A file may import its own
 * room and those named here; an import that no row names is an error. docs/architecture.md draws the same picture.
 */
const rooms = {
  sequence: [],
  admission: [],
  hooks: ['sequence'],
  rehearsal: ['sequence'],
  'in-flight': ['sequence'],
  readiness: ['sequence', 'in-flight'],
  refusal: ['sequence', 'admission'],
  'drainables/shared': ['sequence'],
  'drainables/exchange': ['in-flight', 'admission'],
  // A protocol knows what stands above it, and never another protocol.
  'drainables/<protocol>': [
    'sequence',
    'admission',
    'in-flight',
    'refusal',
    'drainables/shared',
    'drainables/exchange',
  ],
  // A server may speak two protocols: the files beside the folders decide which drainables it gets.
  drainables: ['sequence', 'drainables/<protocol>'],
  options: ['sequence', 'refusal', 'drainables/<protocol>'],
  'nest/insides': ['in-flight', 'drainables/<protocol>'],
};
/** Put together what the rooms hold, and may import all of them: the wiring without Nest, Nest's side, the faces. */
const outermost = ['drain-core', 'nest', 'graceful-shutdown', 'graceful-shutdown.module', 'index'];

const protocol = '(?!shared/|exchange/)[^/]+';
const pathOf = (room) => `^src/${room.replace('<protocol>', protocol)}/${room === 'drainables' ? '[^/]+$' : ''}`;
/** `$1` is the protocol of the file that imports: its own folder. */
const ownPathOf = (room) => (room.includes('<protocol>') ? '^src/drainables/$1/' : pathOf(room));

const arrows = Object.entries(rooms).map(([room, allowed]) => ({
  name: `${room.replace('/<protocol>', '-protocols')}-arrows`,
  comment: `${room} may import itself${allowed.map((each) => `, ${each}`).join('')}, and no other room.`,
  severity: 'error',
  from: { path: pathOf(room).replace(protocol, `(${protocol})`) },
  to: { path: '^src/', pathNot: [ownPathOf(room), ...allowed.map(pathOf)] },
}));
/** A folder or file that the tables do not name. */
const named = [
  ...Object.keys(rooms).map(pathOf),
  ...outermost.map((each) => `^src/${each.replace('.', '\\.')}(/|\\.ts$)`),
];

const nest = '^(@nestjs|rxjs|reflect-metadata|node_modules/(@nestjs|rxjs|reflect-metadata))';
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...arrows,
    {
      name: 'every-room-is-named',
      comment: 'A new room gets a row in the table above, with its arrows.',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: named },
    },
    {
      name: 'sequence-needs-node-alone',
      comment: 'The sequence knows phases, deadlines and drainables, and nothing else.',
      severity: 'error',
      from: { path: '^src/sequence' },
      to: { pathNot: '^src/|^node:|^(diagnostics_channel|events|perf_hooks|timers)' },
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
      name: 'refusal-meets-nest-in-one-file',
      severity: 'error',
      from: { path: '^src/refusal', pathNot: 'handler-refusals\\.ts$' },
      to: { path: nest },
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
