/** Commander wraps it to the terminal. */
export const description = [
  'Answers one question: does this service lose requests when it is rolled?',
  'It starts replicas of your own application, unchanged, puts a TCP balancer in front of ' +
    'them, asks them at a fixed rate, and replaces every one, the successor first, the way your ' +
    'platform does it. Every request is sent once, to the end, and must be answered whole and ' +
    'right: a reset, a refusal, a cut, a 5xx or a time-out is a loss. Then it says what was lost ' +
    'and when, and what to change.',
  'Any service that listens on the port it is told and has a readiness path will do. Where ' +
    'Node runs, more is seen from inside; where nestjs-drain is part of it, its phases and its ' +
    'report, too.',
].join('\n\n');

export const helpAfter = `
Durations are 500ms, 2s or 1m; a bare number is in ms.

Presets:
  kubernetes  SIGTERM at once, SIGKILL after 30 s; the endpoint is withdrawn at
              the same time, and new connections still come for the lag;
              readiness is 200 to 399, and KUBERNETES_SERVICE_HOST is set
  ecs         SIGTERM, SIGKILL after a stopTimeout of 30 s; deregistered at the
              same time, with the lag
  pm2         SIGINT, SIGKILL after a kill_timeout of 1.6 s; nobody tells the
              balancer: the lag begins when readiness fails

  --signal, --pre-stop, --grace and --[no-]deregister change a part of one. A
  failing readiness path begins the lag in any case.

Requests:
  [METHOD] PATH [weight=N] [status=N] [length=BYTES] [header='Name: value']
                [body=TEXT or body=@FILE] [answer=TEXT]

  Any status from 200 to 299 is right unless status says which, and any body
  unless answer says which text, or length how many bytes. Weights share
  the rate out. One request in ten has a connection of its own, the others take
  turns on those that are kept. In a file, lines that begin with # are comments.

Scripts:
  A module that exports requests, a list of { name, weight, make }, and maybe
  setup({ url }), which is called once before the traffic. make({ state,
  number }) gives { method, path, headers, body, expect: { status, body } }:
  state is what setup returned, number is that of no other request, and
  expect.body may be a function that tests the bytes.

Reloads:
  The command starts a group of processes that share a port, and --reload has
  it reloaded --rounds times: pm2, serve, systemd (the command is a unit),
  cluster (SIGHUP), or any line of shell, in which $DRILL_PID is what was
  started. --replicas says how many workers pm2 and serve start.

Protocols:
  http, https  a request at a time on each connection
  h2c, h2      HTTP/2, many at a time; h2c is without TLS
  ws, wss      messages (body=TEXT) on WebSockets, each answered with an echo,
               or with answer=TEXT; {{id}} is unique. A close with anything but
               1001 or 1012 is a loss
  sse, sse+https
               event streams whose ids count up by one: gaps, doubles, cuts

  With TLS, the certificate must be one that Node trusts, or --insecure given.
  The balancer passes TCP on and sees nothing of it.

Messages:
  --transport tcp, grpc, nats, rabbitmq, mqtt, redis or bullmq sends messages to
  handlers of Nest, with the client libraries of the application in the current
  folder. The data has {{id}}, which is unique. A handler that appends it to the
  file in DRILL_LEDGER tells what was executed, and how often: events need that.
  TCP and gRPC go through the balancer, and are ready when their port is open;
  the others have no lag, and are ready when they print 'successfully started'.

Examples:
  The default: three replicas, lags of 0, 0.5, 2 and 5 s
    $ npx nestjs-drain drill --request 'GET /orders' -- node dist/main.js

  Reads and writes, and a preStop wait, as in the manifest
    $ npx nestjs-drain drill --pre-stop 5s --grace 40s \\
        --request 'GET /orders weight=4' \\
        --request 'POST /orders status=201 body=@order.json
                   header="Content-Type: application/json"' \\
        -- node dist/main.js

  In CI: one short roll, a report for the build server, and one to look at
    $ npx nestjs-drain drill --lag 2s --junit drill.xml --html drill.html \\
        -- node dist/main.js

  With and without: two results side by side
    $ npx nestjs-drain drill --json -- node dist/without.js > before.json
    $ npx nestjs-drain drill --compare before.json --html drill.html \\
        -- node dist/main.js

  What somebody else rolls
    $ npx nestjs-drain drill --attach http://127.0.0.1:8080 \\
        --during 'kubectl rollout restart deploy/orders &&
                  kubectl rollout status deploy/orders'

  As PM2 reloads it
    $ npx nestjs-drain drill --reload pm2 -- dist/main.js

  As PM2 replaces one process, on a port it takes from HTTP_PORT
    $ npx nestjs-drain drill --preset pm2 --port-env HTTP_PORT -- npm start

  An HTTP/2 service with a certificate of its own
    $ npx nestjs-drain drill --protocol h2 --insecure -- node dist/main.js

  Calls and events over RabbitMQ, and jobs of BullMQ
    $ npx nestjs-drain drill --transport rabbitmq --queue orders \\
        --broker amqp://localhost --pattern orders.create -- node dist/main.js
    $ npx nestjs-drain drill --queue mail --redis redis://localhost \\
        -- node dist/worker.js

Exit status:
  0  nothing was lost, or no more than --max-loss allows, and nothing had to be
     killed
  1  requests were lost; a replica had to be ended with SIGKILL, died by itself
     or never saw the signal; or answers were slower than --max-p99 allows
  2  bad input: a command that does not start, readiness that is never green, a
     request that fails before anything is stopped; or a successor, a command
     or a file that failed on the way, after what was measured; one line says
     what
  3  nothing can be concluded: fewer than 200 requests in a roll, answers of
     somebody else, or losses of a drill that was itself late
  130, 143, 141  interrupted by SIGINT or SIGTERM, or nobody reads the output
     any more; what was measured is told, and every process it had started has
     been ended

Files:
  Replicas run in the current folder with its environment, PORT, and a
  NODE_OPTIONS that loads an observer of a few lines, which tells the drill who
  listens and which phases a shutdown goes through. It writes to a folder in
  the system's temporary one, which is removed at the end.`;
