import { basename } from 'node:path';

/**
 * The name of the release that this process runs: that of its folder. A worker is started in the real folder of its
 * release, and stays there when `current` is pointed elsewhere.
 */
export const release = basename(process.cwd());
