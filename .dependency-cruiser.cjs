/**
 * The rooms of the runtime, from the innermost outwards, and the arrows that may leave each. A file may import its own
 * room and those named here; an import that no row names is an error. docs/architecture.md draws the same picture.
 */
const rooms = {
  // What is said to whoever is at the other end of a connection.
  words: [],
  // The other end: it is an entry of its own, for processes that need nothing of the rest.
  client: ['words'],
  sequence: [],
  admission: [],
  hooks: ['sequence'],
  rehearsal: ['sequence'],
  'in-flight': ['sequence'],
  readiness: ['sequence', 'in-flight'],
  // Where the process runs, as its environment tells.
  platform: ['sequence'],
  // The supervisor of several processes, a program of its own: nothing of the rest imports it.
  serve: ['sequence', 'platform'],
  refusal: ['words', 'sequence', 'admission'],
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
  drainables: ['sequence', 'drainables/shared', 'drainables/<protocol>'],
  // A transport of microservices knows what all of them share, and never another one.
  'drainables/microservices/shared': ['sequence', 'in-flight', 'drainables/shared'],
  'drainables/microservices/<transport>': [
    'words',
    'sequence',
    'in-flight',
    'drainables/shared',
    'drainables/microservices/shared',
  ],
  'drainables/microservices': [
    'sequence',
    'in-flight',
    'drainables/microservices/shared',
    'drainables/microservices/<transport>',
  ],
  // A source of jobs knows what all of them share, and never another one.
  'drainables/jobs/shared': ['sequence', 'in-flight', 'drainables/shared'],
  'drainables/jobs/<source>': ['sequence', 'in-flight', 'drainables/shared', 'drainables/jobs/shared'],
  'drainables/jobs': ['sequence', 'in-flight', 'drainables/jobs/shared', 'drainables/jobs/<source>'],
  breadcrumb: ['sequence'],
  // An entry of its own, which meets the application through what users can inject.
  metrics: ['sequence', 'in-flight'],
  options: ['sequence', 'refusal', 'drainables/<protocol>'],
  'nest/insides': ['in-flight', 'drainables/<protocol>', 'drainables/microservices/shared', 'drainables/jobs/<source>'],
};
/** Put together what the rooms hold, and may import all of them: the wiring without Nest, Nest's side, the faces. */
const outermost = ['drain-core', 'nest', 'graceful-shutdown', 'graceful-shutdown.module', 'index'];

/** Folders that have a row of their own are not one of many. */
const oneOfMany = {
  '<protocol>': '(?!shared/|exchange/|microservices/|jobs/)[^/]+',
  '<transport>': '(?!shared/)[^/]+',
  '<source>': '(?!shared/)[^/]+',
};
/** These have files of their own beside their folders, and each folder has a row. */
const floors = ['drainables', 'drainables/microservices', 'drainables/jobs'];
const filled = (room, fill) => room.replace(/<\w+>/, (name) => fill(oneOfMany[name]));
const pathOf = (room, fill = (any) => any) => `^src/${filled(room, fill)}/${floors.includes(room) ? '[^/]+$' : ''}`;
/** `$1` is the folder of the file that imports: one of many. */
const ownPathOf = (room) => (room.includes('<') ? `^src/${filled(room, () => '$1')}/` : pathOf(room));

const arrows = Object.entries(rooms).map(([room, allowed]) => ({
  name: `${room.replace(/\/<(\w+)>/, '-$1s')}-arrows`,
  comment: `${room} may import itself${allowed.map((each) => `, ${each}`).join('')}, and no other room.`,
  severity: 'error',
  from: { path: pathOf(room, (any) => `(${any})`) },
  to: { path: '^src/', pathNot: [ownPathOf(room), ...allowed.map((each) => pathOf(each))] },
}));
/** A folder or file that the tables do not name. */
const named = [
  ...Object.keys(rooms).map((each) => pathOf(each)),
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
      comment:
        'What puts everything together, the lease tracker and the hook registry are usable, and tested, without Nest.',
      severity: 'error',
      from: { path: '^src/(drain-core|sequence|refusal|in-flight/(lease|in-flight-tracker)|hooks/hook-registry)' },
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
      name: 'client-needs-rxjs-alone',
      comment: 'Processes that only call a server that drains load nothing of Nest, nor of Node, with it.',
      severity: 'error',
      from: { path: '^src/(client|words)' },
      to: { pathNot: '^src/(client|words)/|^(node_modules/)?rxjs' },
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
      name: 'doctor-start-knows-words-alone',
      comment:
        'What becomes of a signal is told from the words of commands and scripts; where they come from is known to the ' +
        'two files that put them together.',
      severity: 'error',
      from: { path: '^packages/tools/src/doctor/start', pathNot: '(habitat|started)\\.ts$' },
      to: { path: '^packages/tools/src', pathNot: '^packages/tools/src/doctor/(start|finding)' },
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
      name: 'drill-targets-know-no-load',
      comment: 'What is rolled knows nothing of what asks it, nor of what is made of the outcome.',
      severity: 'error',
      from: { path: '^packages/tools/src/drill/targets' },
      to: {
        path: '/drill/(clients|report|formats|advice)/|/drill/(drill|verdict|result-builder|open-loop-clients)\\.ts$',
      },
    },
    {
      name: 'drill-clients-know-no-target',
      comment: 'What asks knows its protocol and its right answers, and nothing of who is rolled, nor how.',
      severity: 'error',
      from: { path: '^packages/tools/src/drill/clients' },
      to: {
        path: '^packages/tools/src/drill',
        pathNot: '/drill/(clients/|(errors|exchange|open-loop-clients|outcomes|timing)\\.ts$)',
      },
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
