import fastifyCookie from '@fastify/cookie';
import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import cookieParser from 'cookie-parser';
import session from 'express-session';
import { assemble, type MakeApplication } from '../application.js';

type Request = { cookies: object; signedCookies?: object; session?: { visits?: number } };
type Reply = {
  cookie?(name: string, value: string, options: object): void;
  setCookie?(name: string, value: string, options: object): void;
};

@Controller()
class SessionsController {
  @Get('cookies')
  cookies(@Req() request: Request) {
    return { cookies: request.cookies, signed: request.signedCookies };
  }

  @Post('cookies')
  set(@Res({ passthrough: true }) reply: Reply) {
    const options = { httpOnly: true, signed: true, path: '/' };
    if (reply.setCookie) reply.setCookie('colour', 'green', options);
    else reply.cookie?.('colour', 'green', options);
    return 'set';
  }

  @Get('visits')
  visits(@Req() { session }: Request) {
    if (session) session.visits = (session.visits ?? 0) + 1;
    return { visits: session?.visits ?? null };
  }
}

let ids = 0;

export const make: MakeApplication = async (variant) => {
  const app = await assemble(variant, { controllers: [SessionsController] });
  if (variant.adapter === 'express') {
    app.use(cookieParser('secret'));
    const genid = () => `session-${++ids}`;
    app.use(session({ secret: 'secret', resave: false, saveUninitialized: false, genid }));
  } else {
    await app.register(fastifyCookie as never, { secret: 'secret' } as never);
  }
  return app;
};
