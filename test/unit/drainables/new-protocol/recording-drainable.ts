import { type Drainable, type Leftover } from '../../../../src/index.js';

/**
 * A protocol without connections, in a folder of its own: it holds no work, and writes down which step is asked for.
 */
export class RecordingDrainable implements Drainable {
  readonly name = 'recording';
  readonly steps: string[] = [];

  announce(): void {
    this.steps.push('announce');
  }

  async drain(): Promise<void> {
    this.steps.push('drain');
  }

  async forceClose(): Promise<readonly Leftover[]> {
    this.steps.push('forceClose');
    return [];
  }

  async close(): Promise<void> {
    this.steps.push('close');
  }
}
