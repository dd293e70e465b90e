import { gzipSync } from 'node:zlib';
import { type AdapterName } from './application.js';
import { json, messageOf, multipart, raw, type Row, webSocket } from './requests.js';

export interface Application {
  /** Of its file in `applications`. */
  readonly name: string;
  readonly adapters: readonly AdapterName[];
  /** In this order: applications have state. */
  readonly requests: readonly Row[];
  /** What Nest says at bootstrap is the same for all applications: one compares it. */
  readonly hasLogCompared?: boolean;
  /** Bare Nest never closes it, because an upgrade is left unanswered. */
  readonly staysWithoutModule?: boolean;
  /** For Node. */
  readonly execArgv?: readonly string[];
}

const both = ['express', 'fastify'] as const;
const preflight = { 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'X-Some' };
const upgrade = (protocol: string) => ({ headers: { Connection: 'Upgrade', Upgrade: protocol } });
const gzipped = gzipSync('{"gzipped":true}').toString('latin1');

const plain = [
  ...['hello', 'json', 'number', 'null', 'undefined', 'buffer', 'promise', 'observable', 'empty-observable'],
  ...['observable-error', 'lazy', 'lazy/async', 'lazy/count', 'params/1?a=b&a=c', 'params/x', 'any/thing/deep'],
  ...['redirect', 'header', 'passthrough', 'res', 'raw', 'slow', 'scoped', 'middleware'],
  ...['middleware-error', 'throws', 'throws-error', 'throws-text', 'rejects', 'denied', 'unauthorized'],
  ...['wrapped', 'stream', 'file', 'large', 'missing-file', 'events', 'hello?q=%20'],
];

const byHand = {
  express: [
    ...['several', 'array', 'error', 'error-array', 'error-apart', 'throws', 'rejects', 'one-of', 'two-of'],
    ...['regexp/12', 'arity', 'used', 'instance', 'route', 'self', 'all'],
  ],
  fastify: [
    ...['options', 'this', 'returned', 'lazy', 'arity', 'throws', 'rejects', 'hooks'],
    ...['error-handler', 'route', 'plugin/colour', 'self', 'all'],
  ],
};

/** One GET for each path. */
function gets(prefix: string, ...paths: string[]): Row[] {
  return paths.map((path): Row => `GET ${prefix}${path}`);
}

export const applications: readonly Application[] = [
  {
    name: 'plain',
    adapters: both,
    hasLogCompared: true,
    requests: [
      ...gets('/', ...plain),
      ...['versioned', 'of-host', 'filtered', 'hello/', 'HELLO'].map((path): Row => [
        `GET /${path}`,
        { name: 'not found' },
      ]),
      ['GET /of-host', { headers: { Host: 'my.shop.example.test' }, name: 'its host' }],
      ['GET /stack/thrown', {}],
      ['GET /stack/rejected', {}],
      ['GET /broken-stream', {}],
      ...['hello', 'json', 'large', 'file', 'stream', 'throws', 'events'].map((path): Row => `HEAD /${path}`),
      ['POST /echo', json({ a: [1, { b: null }] })],
      ['PUT /echo', json('text')],
      ['PATCH /echo', json({})],
      'DELETE /echo',
      'SEARCH /echo',
      'POST /any/thing',
      ['POST /hello', { name: 'not found' }],
      [
        'POST /echo',
        { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'a=1&b[]=2', name: 'form' },
      ],
      ['POST /echo', { headers: { 'Content-Type': 'text/xml' }, body: '<a/>', name: 'xml' }],
      ['POST /echo', { ...json({}), body: '{"a":', name: 'malformed' }],
      ['POST /echo', { ...json('x'.repeat(200_000)), name: 'too large' }],
      ['POST /echo', { headers: { ...json({}).headers, 'Content-Encoding': 'gzip' }, body: gzipped, name: 'gzip' }],
      [
        'POST /echo',
        { headers: { ...json({}).headers, 'Content-Encoding': 'nonsense' }, body: '{}', name: 'nonsense' },
      ],
      [
        'POST /echo',
        {
          headers: { ...json({}).headers, 'Transfer-Encoding': 'chunked' },
          body: '3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n',
          name: 'chunked',
        },
      ],
      ['GET /versioned', { headers: { 'X-Version': '2' }, name: 'two' }],
      ['GET /versioned', { headers: { 'X-Version': '3' }, name: 'three' }],
      ['GET /hello', { headers: { Origin: 'https://shop.test' }, name: 'allowed origin' }],
      ['GET /hello', { headers: { Origin: 'https://other.test' }, name: 'other origin' }],
      ['OPTIONS /echo', { headers: { Origin: 'https://shop.test', ...preflight }, name: 'preflight' }],
      ['OPTIONS /echo', { headers: { Origin: 'https://other.test', ...preflight }, name: 'preflight of another' }],
      ['GET /hello', { headers: { 'If-None-Match': 'W/"c-Lve95gjOVATpfV8EL5X4nxwjKHE"' }, name: 'conditional' }],
      ['GET /hello', { headers: { 'If-None-Match': '*' }, name: 'any condition' }],
      ['GET /file', { headers: { Range: 'bytes=0-9' }, name: 'range' }],
      ['GET /hello', { headers: { Connection: 'close' }, name: 'close' }],
      ['GET /hello', { ...upgrade('h2c'), name: 'upgrade' }],
      ['GET /raw', { headers: { Connection: 'close' }, name: 'close' }],
      raw(
        'a close in a pipeline',
        [
          messageOf('GET /slow') +
            messageOf('GET /hello', { headers: { Connection: 'close' } }) +
            messageOf('GET /json'),
        ],
        2,
      ),
      raw('a broken request in a pipeline', `${messageOf('GET /slow')}${messageOf('GET /hello')}nonsense\r\n\r\n`, 0),
      raw('expect 100-continue /echo', [
        messageOf('POST /echo', {
          headers: { 'Content-Type': 'application/json', Expect: '100-continue', 'Content-Length': '7' },
        }),
        '{"a":1}',
      ]),
      'GET /lazy/count',
    ],
  },
  {
    name: 'adapter-routes',
    adapters: ['express'],
    requests: ['/main', '/configure', '/init'].flatMap((prefix): Row[] => [
      ...gets(`${prefix}/`, ...byHand.express),
      `HEAD ${prefix}/several`,
      [`GET ${prefix}/next`, { name: 'leaves its route' }],
      [`OPTIONS ${prefix}/several`, { name: 'not found' }],
      [`POST ${prefix}/body`, json({ a: 1 })],
      `POST ${prefix}/route`,
      `PUT ${prefix}/all`,
    ]),
  },
  {
    name: 'adapter-routes',
    adapters: ['fastify'],
    requests: ['/main', '/configure', '/init', '/bootstrap'].flatMap((prefix): Row[] => [
      ...gets(`${prefix}/`, ...byHand.fastify),
      `HEAD ${prefix}/returned`,
      [`POST ${prefix}/body`, json({ a: 1 })],
      `PUT ${prefix}/route`,
      `PUT ${prefix}/all`,
    ]),
  },
  {
    name: 'upgrades',
    adapters: both,
    requests: [
      ...['on', 'off', 'once', 'again', 'on', 'removeAllListeners'].flatMap((what, index): Row[] => [
        ...(what === 'again' ? [] : [[`GET /listener/${what}`, { name: String(index) }] as const]),
        ['GET /plain', { ...upgrade('echo'), name: `upgrade ${index}` }],
        ['POST /plain', { ...upgrade('echo'), body: 'body', name: `upgrade ${index}` }],
      ]),
      ['GET /plain', { ...upgrade('websocket'), name: 'websocket' }],
      'GET /plain',
    ],
  },
  { name: 'odd-values', adapters: both, requests: ['GET /values'] },
  {
    name: 'swagger',
    adapters: both,
    requests: [
      ...gets('/', 'docs', 'docs-json', 'docs.yaml', 'docs/swagger-ui.css', 'docs/swagger-ui-init.js', 'orders/1'),
      'HEAD /docs-json',
      ['GET /docs', { headers: { 'Accept-Encoding': 'gzip' }, name: 'gzip' }],
      ['GET /docs/swagger-ui.css', { headers: { Range: 'bytes=0-99' } }],
      ['GET /docs/nowhere.js', { name: 'not found' }],
      ['POST /orders', json({ id: 1 })],
    ],
  },
  {
    name: 'serve-static',
    adapters: both,
    requests: [
      ...gets('/', 'api/hello', 'files/style.css', 'files/digits.txt', 'files/', 'files/index.html', 'style.css', ''),
      'HEAD /files/digits.txt',
      'HEAD /',
      ...['bytes=0-9', 'bytes=-10', 'bytes=19990-', 'bytes=30000-', 'bytes=0-1,5-6', 'lines=1'].map((range): Row => [
        'GET /files/digits.txt',
        { headers: { Range: range }, name: range },
      ]),
      ['GET /files/digits.txt', { headers: { 'If-None-Match': '*' }, name: 'any condition' }],
      [
        'GET /files/digits.txt',
        { headers: { 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT' }, name: 'not since' },
      ],
      ['GET /files/digits.txt', { headers: { 'If-Match': '"other"' }, name: 'no match' }],
      ['GET /files/../package.json', { name: 'outside' }],
      ['GET /files/%2e%2e/package.json', { name: 'outside, encoded' }],
      ['POST /files/style.css', { name: 'no such method' }],
      ['GET /some/route/of/the/page', { name: 'fallback' }],
      ['GET /api/other', { name: 'excluded' }],
    ],
  },
  {
    name: 'uploads',
    adapters: both,
    requests: [
      ['POST /uploads', multipart({ name: 'file', filename: 'a.txt', content: 'content' })],
      [
        'POST /uploads',
        { ...multipart({ name: 'file', filename: 'b.txt', content: 'x'.repeat(30_000) }), name: 'large' },
      ],
      [
        'POST /uploads',
        { ...multipart({ name: 'file', filename: 'c.txt', content: 'x'.repeat(60_000) }), name: 'too large' },
      ],
      ['POST /uploads', { ...multipart({ name: 'other', filename: 'd.txt', content: 'd' }), name: 'another field' }],
      ['POST /uploads', { ...multipart({ name: 'file', content: 'no file' }), name: 'no file' }],
      [
        'POST /uploads/any',
        multipart({ name: 'a', filename: 'a.txt', content: 'a' }, { name: 'b', filename: 'b', content: '' }),
      ],
      ['POST /uploads', { ...json({}), name: 'no form' }],
      ['POST /uploads', { headers: multipart().headers, body: '------ecosystem\r\nnonsense', name: 'broken form' }],
    ],
  },
  {
    name: 'throttler',
    adapters: both,
    requests: [
      'GET /free',
      ...[1, 2, 3].map((n): Row => [
        'GET /limited',
        { name: String(n), varying: [/^((?:retry-after|x-ratelimit-reset).*:) .*$/gim] },
      ]),
    ],
  },
  {
    name: 'cache',
    adapters: both,
    requests: [
      ...gets('/', 'cached', 'named', 'stored', 'cached?other', 'cached'),
      'DELETE /stored',
      ...gets('/', 'named', 'stored'),
    ],
  },
  {
    name: 'cls',
    adapters: both,
    requests: [
      ...gets('/', 'tenant'),
      ['GET /tenant', { headers: { 'X-Id': 'a', 'X-Tenant': 'one' }, name: 'one' }],
      ['GET /failing', { headers: { 'X-Id': 'b', 'X-Tenant': 'two' } }],
      raw(
        'tenants in a pipeline',
        ['one', 'two', 'three'].map((tenant) => messageOf('GET /tenant', { headers: { 'X-Tenant': tenant } })).join(''),
        3,
      ),
    ],
  },
  {
    name: 'pino',
    adapters: both,
    requests: [
      'GET /logged',
      ['GET /logged', { headers: { 'X-Id': '7' }, name: 'with an id' }],
      ['GET /failing', {}],
      ['GET /nowhere', { name: 'logged too' }],
      ['GET /lines', {}],
    ],
  },
  {
    name: 'compressed',
    adapters: both,
    requests: [
      ...gets('/', 'long', 'short', 'stream', 'failing', 'events'),
      ...['long', 'short', 'stream', 'failing', 'events'].flatMap((path) =>
        ['gzip', 'deflate', 'br, gzip;q=0.5', 'identity', '*'].map((encoding): Row => [
          `GET /${path}`,
          { headers: { 'Accept-Encoding': encoding }, name: encoding },
        ]),
      ),
      ['HEAD /long', { headers: { 'Accept-Encoding': 'gzip' } }],
      ['GET /long', { headers: { 'Accept-Encoding': 'gzip', Connection: 'close' }, name: 'gzip, close' }],
    ],
  },
  {
    name: 'sessions',
    adapters: both,
    requests: [
      ...gets('/', 'cookies'),
      ['GET /cookies', { headers: { Cookie: 'a=b; c=d; colour=s%3Agreen.x' }, name: 'some' }],
      'POST /cookies',
      ['GET /visits', {}],
      ['GET /visits', { headers: { Cookie: 'connect.sid=s%3Asession-1.x' }, name: 'forged' }],
    ],
  },
  {
    name: 'validation',
    adapters: both,
    requests: [
      ...gets('/v1/users', '?page=2', '?page=0', '?page=x&more=1', '/shown'),
      ['POST /v1/users', json({ email: 'a@example.test', address: { zip: 1 } })],
      ['POST /v1/users', { ...json({ email: 'nobody', address: { zip: 'x' }, more: 1 }), name: 'invalid' }],
      ['GET /users', { name: 'without the prefix' }],
    ],
  },
  {
    name: 'proxies',
    adapters: ['express'],
    staysWithoutModule: true,
    requests: [...gets('/', 'own'), ...proxied('/middleware')],
  },
  {
    name: 'proxies',
    adapters: ['fastify'],
    staysWithoutModule: true,
    requests: [...gets('/', 'own'), ...proxied('/middleware'), ...proxied('/plugin')],
  },
  {
    name: 'web-sockets',
    adapters: both,
    requests: [
      webSocket(
        'GET /sockets',
        [
          { event: 'echo', data: { a: 1 } },
          { event: 'several' },
          null,
          { event: 'lazy' },
          { event: 'lazy' },
          { event: 'failing' },
        ],
        true,
      ),
      webSocket('GET /sockets?rejecting', [{ event: 'echo', data: 2 }], true),
      webSocket('GET /other', []),
      ['GET /sockets', { name: 'not as a WebSocket' }],
      ['GET /seen', { ...upgrade('something-else'), name: 'upgrade' }],
      ['GET /sockets', { ...upgrade('websocket'), name: 'without a key' }],
      ['GET /seen', {}],
    ],
  },
  {
    name: 'socket-io',
    adapters: both,
    requests: [
      ...gets('/', 'own'),
      ['GET /socket.io/?EIO=4&transport=polling', { varying: [/("sid":")[^"]*/g] }],
      [
        'GET /socket.io/?EIO=4&transport=polling',
        { headers: { Origin: 'https://shop.test' }, varying: [/("sid":")[^"]*/g], name: 'CORS' },
      ],
      ['OPTIONS /socket.io/?EIO=4&transport=polling', { headers: { Origin: 'https://shop.test', ...preflight } }],
      ['GET /socket.io/?EIO=4&transport=smoke', {}],
      ['GET /socket.io/?EIO=4&transport=polling&sid=unknown', {}],
      ['POST /socket.io/?EIO=4&transport=polling', { body: '40' }],
      ['GET /socket.io/socket.io.js.map', { headers: { 'If-None-Match': '*' } }],
    ],
  },
  {
    name: 'fastify-websocket',
    adapters: ['fastify'],
    requests: [
      ...gets('/', 'own'),
      webSocket('GET /socket', ['one', 'two'], true),
      webSocket('GET /own', []),
      ['GET /socket', { name: 'plain' }],
    ],
  },
  {
    name: 'prometheus',
    adapters: both,
    requests: [
      ...gets('/', 'counted', 'counted'),
      [
        'GET /metrics',
        {
          varying: [/(?:^(?:# \w+ )?(?:nodejs|process)_.*\n)+/gim, /^(content-length|etag): .*$/gim],
        },
      ],
    ],
  },
  {
    name: 'trpc',
    adapters: both,
    requests: [
      ...gets('/', 'own', 'trpc/hello', 'trpc/later', 'trpc/failing', 'trpc/hello,later,failing?batch=1'),
      ['GET /trpc/nowhere', { name: 'unknown' }],
      ['POST /trpc/add', json({ n: 1 })],
      ['POST /trpc/add', { ...json({}), body: '{"n":', name: 'malformed' }],
      ['GET /trpc/add', { name: 'a mutation' }],
      ['GET /trpc/ticks', { headers: { Accept: 'text/event-stream' } }],
    ],
  },
  { name: 'apollo', adapters: both, requests: graphql('apollo') },
  {
    name: 'mercurius',
    adapters: ['fastify'],
    requests: [...graphql('mercurius'), ['GET /graphiql', {}]],
  },
  {
    name: 'telemetry',
    adapters: both,
    execArgv: ['--import', new URL('./telemetry.js', import.meta.url).href],
    requests: [
      ...gets('/', 'traced', 'failing'),
      [
        'GET /traced',
        { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }, name: 'traced' },
      ],
      ['GET /spans', {}],
    ],
  },
];

function proxied(prefix: string): Row[] {
  return [
    ...gets(prefix, '/', '/some?a=b', '/teapot', '/kept', '/chunks'),
    `HEAD ${prefix}/some`,
    [`POST ${prefix}/some`, json({ a: 1 })],
    [
      `POST ${prefix}/some`,
      { headers: { 'Transfer-Encoding': 'chunked' }, body: '1\r\na\r\n0\r\n\r\n', name: 'chunked' },
    ],
    [`GET ${prefix}/some`, { headers: { Connection: 'close' }, name: 'close' }],
    [
      `GET ${prefix}/socket`,
      { headers: { ...upgrade('websocket').headers, 'Sec-WebSocket-Key': 'a' }, name: 'upgrade' },
    ],
  ];
}

function graphql(name: string): Row[] {
  const post = (query: string, more?: object): Row => ['POST /graphql', { ...json({ query, ...more }), name: query }];
  return [
    post('{ count_ }'),
    post('{ lazy }'),
    post('{ lazy }', { operationName: null }),
    post('mutation ($n: Int!) { add(n: $n) }', { variables: { n: 3 } }),
    post('mutation { add(n: "x") }'),
    post('{ failing count_ }'),
    post('{ nowhere }'),
    post('{ broken'),
    ['POST /graphql', { ...json([{ query: '{ count_ }' }, { query: '{ lazy }' }]), name: 'batch' }],
    ['GET /graphql?query=%7Bcount_%7D', { headers: { 'apollo-require-preflight': '1' }, name }],
    ['GET /graphql', { name: 'nothing' }],
    ['OPTIONS /graphql', { name }],
    ['POST /graphql', { headers: { 'Content-Type': 'text/plain' }, body: '{}', name: 'plain text' }],
    'POST /graphql',
  ];
}
