import { Controller, Get } from '@nestjs/common';
import { initTRPC, TRPCError } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import { assemble, type MakeApplication } from '../application.js';

const t = initTRPC.create({ isDev: false });
const router = t.router({
  hello: t.procedure.query(() => 'Hello World!'),
  later: t.procedure.query(async () => {
    await new Promise((resolve) => setTimeout(resolve, 3));
    return { later: true };
  }),
  add: t.procedure.input((value) => value as { n: number }).mutation(({ input }) => ({ sum: input.n + 1 })),
  failing: t.procedure.query(() => {
    throw new TRPCError({ code: 'CONFLICT', message: 'failed' });
  }),
  ticks: t.procedure.subscription(async function* () {
    yield 1;
    yield 2;
  }),
});

@Controller()
class OwnController {
  @Get('own')
  own() {
    return 'own';
  }
}

export const make: MakeApplication = async (variant) => {
  const app = await assemble(variant, { controllers: [OwnController] });
  if (variant.adapter === 'express') {
    app.use('/trpc', createExpressMiddleware({ router }));
  } else {
    await app.register(fastifyTRPCPlugin as never, { prefix: '/trpc', trpcOptions: { router } } as never);
  }
  return app;
};
