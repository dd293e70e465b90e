/**
 * An HTTP application that opens and closes another one beside itself, and one in a process that it starts. That one
 * runs this file too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import { create, enableHooks, follow, listen, moduleOf, settings, tell, told } from './kit.mjs';

async function openAndClose() {
  const context = await NestFactory.createApplicationContext(moduleOf({}));
  await context.close();
}

if (settings.isAuxiliary) {
  await openAndClose();
} else {
  const app = await create({});
  enableHooks(app);
  follow(app);
  await listen(app);
  await told('open others');
  await openAndClose();
  const args = [fileURLToPath(import.meta.url), JSON.stringify({ ...settings, isAuxiliary: true })];
  await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit');
  tell('others closed');
}
