import { Command } from 'commander';
import { doctorCommand } from './command.js';

/** `nestjs-drain doctor` on its own. */
void new Command('nestjs-drain').addCommand(doctorCommand()).parseAsync();
