import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import fastifyHttpProxy from '@fastify/http-proxy';
import { Controller, Get, Module, type OnModuleDestroy } from '@nestjs/common';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { assemble, type MakeApplication } from '../application.js';

/** What is behind the proxies. It says of each request what it got. */
const upstream: Server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { 'x-forwarded-for': _, host: __, ...headers } = request.headers;
    if (request.url === '/teapot')
      response.writeHead(418, 'Short and stout', { 'X-Upstream': '1', Connection: 'close' });
    else if (request.url === '/kept') response.writeHead(200, { Connection: 'keep-alive', 'Keep-Alive': 'timeout=7' });
    else response.writeHead(200, ['X-Upstream', '1', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']);
    if (request.url === '/chunks') response.write('first ');
    const body = Buffer.concat(chunks).toString();
    response.end(JSON.stringify({ method: request.method, url: request.url, headers, body }));
  });
});
upstream.on('upgrade', (request, socket) => {
  socket.end(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\nhello`,
  );
});

@Controller()
class OwnController {
  @Get('own')
  own() {
    return 'not proxied';
  }
}

@Module({ controllers: [OwnController] })
class ProxiesModule implements OnModuleDestroy {
  onModuleDestroy(): void {
    upstream.close();
    upstream.closeAllConnections();
  }
}

export const make: MakeApplication = async (variant) => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const target = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const app = await assemble(variant, { imports: [ProxiesModule] }, { bodyParser: false });
  const middleware = createProxyMiddleware({
    target,
    ws: true,
    pathFilter: '/middleware',
    pathRewrite: { '^/middleware': '' },
  });
  app.use(middleware);
  if (variant.adapter === 'fastify') {
    await app.register(fastifyHttpProxy as never, { upstream: target, prefix: '/plugin', websocket: true } as never);
  }
  return app;
};
