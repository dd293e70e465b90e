/** A standalone application (`createApplicationContext`) with a job that it tracks. */
import { NestFactory } from '@nestjs/core';
import { GracefulShutdown } from 'nestjs-drain';
import { enableHooks, follow, injectable, moduleOf, settings, tell, told } from './kit.mjs';

class Database {
  isOpen = true;
  onModuleDestroy() {
    tell('destroyed');
    this.isOpen = false;
  }
}
injectable(Database);

const app = await NestFactory.createApplicationContext(moduleOf({ providers: [Database] }));
enableHooks(app);
follow(app);
const consumer = setInterval(() => undefined, 1_000_000);
const job = async () => {
  await told('release');
  tell('job done', { isOpen: app.get(Database).isOpen });
};
void (settings.drain === false ? job() : app.get(GracefulShutdown).track(job(), 'import of orders'));
void told('close').then(async () => {
  await app.close();
  clearInterval(consumer);
});
tell('started');
